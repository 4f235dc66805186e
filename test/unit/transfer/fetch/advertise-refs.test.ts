import { describe, expect, it } from 'vitest';
import {
  changedRefs,
  type LsRefsOptions,
  parseLsRefs,
  RefTable,
  tableOf,
} from '../../../../src/git/index.ts';
import type { GitState } from '../../../../src/repository/git/git-manifest.ts';
import { Advertiser } from '../../../../src/transfer/fetch/advertise-refs.ts';
import { oid, stateOf } from '../../../helpers/repository-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const upload = { v0: 'multi_ack side-band-64k', v2: ['ls-refs=unborn', 'fetch'] };
const advertiser = new Advertiser({ sha1: upload, sha256: upload }, 'cairn/test');
const random = new SeededRandom(7);

/** Collects what is written; a client that has gone takes `room` pieces. */
class Collected {
  readonly pieces: Buffer[] = [];
  private readonly room: number;

  constructor(room = Number.POSITIVE_INFINITY) {
    this.room = room;
  }

  async write(chunk: Uint8Array): Promise<boolean> {
    this.pieces.push(Buffer.from(chunk));
    return this.pieces.length < this.room;
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString();
  }
}

async function lsRefs(state: GitState, options: LsRefsOptions): Promise<string> {
  const output = new Collected();
  await advertiser.lsRefs(state, options, output);
  return output.text;
}

/** Lists the refs of a state whose manifest has this digest. */
async function lsRefsOf(digest: string, state: GitState, options: LsRefsOptions): Promise<string> {
  const output = new Collected();
  await advertiser.lsRefs(state, options, output, digest);
  return output.text;
}

async function refs(service: 'git-upload-pack' | 'git-receive-pack', version: 0 | 1, state: GitState) {
  const output = new Collected();
  await advertiser.refs(service, version, state, output);
  return output;
}

/** The same refs twice: in plain maps, and in a table with changes over its segments. */
function bothForms(count: number, head = 'refs/heads/main'): [plain: GitState, table: GitState] {
  const names = new Map<string, string>();
  const peeled = new Map<string, string>();
  const add = () => {
    const name = `refs/${random.pick(['heads', 'tags', 'heads/\u{1f600}', 'notes'])}/${random.below(1e6)}`;
    names.set(name, random.hex(20));
    if (name.startsWith('refs/tags/') && random.fraction() < 0.5) peeled.set(name, random.hex(20));
  };
  for (let at = 0; at < count; at++) add();
  const base = RefTable.from('sha1', names, peeled);
  const before = new Map(names);
  for (let at = 0; at < 90; at++) add();
  if (count > 0) names.set('refs/heads/main', oid('a'));
  const gone = [...before.keys()].slice(0, 20);
  for (const name of gone) {
    names.delete(name);
    peeled.delete(name);
  }
  const changes = [...names].map(([name, value]) => ({ name, oid: value, peeled: peeled.get(name) }));
  const table = base.with([...changes, ...gone.map((name) => ({ name, oid: undefined }))]);
  const plain = changedRefs({ refs: names, peeled }, [{ name: 'refs/heads/sorted', oid: oid('b') }]);
  const same = table.with([{ name: 'refs/heads/sorted', oid: oid('b') }]);
  return [stateOf({ ...plain, head }), stateOf({ refs: same.refs, peeled: same.peeled, head })];
}

describe('very many refs are advertised like few refs, byte for byte', () => {
  const [plain, table] = bothForms(9_000);
  const [unbornPlain, unbornTable] = bothForms(50, 'refs/heads/unborn');

  it('in protocol v0 and v1, for fetches and pushes', async () => {
    expect(tableOf(table.refs)?.overlay.length).toBeGreaterThan(50);
    for (const [few, many] of [
      [plain, table],
      [unbornPlain, unbornTable],
    ] as const) {
      for (const service of ['git-upload-pack', 'git-receive-pack'] as const) {
        for (const version of [0, 1] as const) {
          const expected = (await refs(service, version, few)).text;
          expect((await refs(service, version, many)).text === expected).toBe(true);
          // What segments look like is kept now.
          expect((await refs(service, version, many)).text === expected).toBe(true);
        }
      }
    }
  });

  it('without any ref', async () => {
    const { refs: none, peeled } = RefTable.from('sha1', new Map(), new Map());
    const empty = stateOf({ refs: none, peeled });
    for (const service of ['git-upload-pack', 'git-receive-pack'] as const) {
      expect((await refs(service, 1, empty)).text).toBe((await refs(service, 1, stateOf())).text);
    }
    const options = parseLsRefs(['peel', 'symrefs', 'unborn']);
    expect(await lsRefs(empty, options)).toBe(await lsRefs(stateOf(), options));
  });

  it.each([
    [[]],
    [['peel', 'symrefs', 'unborn']],
    [['symrefs', 'ref-prefix HEAD']],
    [['peel', 'ref-prefix refs/tags/', 'ref-prefix HEAD', 'ref-prefix refs/tags/1']],
    [['ref-prefix refs/heads/\u{1f600}/1', 'ref-prefix refs/heads/77', 'ref-prefix refs/zzz']],
    [['peel', 'symrefs', 'ref-prefix ']],
    [Array.from({ length: 1_000 }, (_, at) => `ref-prefix refs/tags/${at}`)],
  ])('in protocol v2, for the request %j', async (args) => {
    const options = parseLsRefs(args);
    for (const [few, many] of [
      [plain, table],
      [unbornPlain, unbornTable],
    ] as const) {
      expect((await lsRefs(many, options)) === (await lsRefs(few, options))).toBe(true);
    }
  });

  it('in pieces, and none follows after the client has left', async () => {
    const pieces = (await refs('git-upload-pack', 0, table)).pieces;
    expect(pieces.length).toBeGreaterThan(3);
    for (const piece of pieces) expect(piece.length).toBeLessThan(1e6);
    const gone = new Collected(2);
    await advertiser.lsRefs(table, parseLsRefs([]), gone);
    expect(gone.pieces).toHaveLength(2);
  });
});

describe('the listing of few refs is kept', () => {
  const [state] = bothForms(200);
  const [other] = bothForms(200);
  const questions = [[], ['peel'], ['symrefs', 'ref-prefix HEAD'], ['peel', 'ref-prefix refs/tags/']].map(
    (args) => parseLsRefs(args),
  );

  it('for the same manifest and the same request only', async () => {
    const digests = ['d'.repeat(64), 'e'.repeat(64)] as const;
    for (const round of ['first', 'remembered']) {
      for (const options of questions) {
        for (const [digest, shown] of [
          [digests[0], state],
          [digests[1], other],
        ] as const) {
          const listed = await lsRefsOf(digest, shown, options);
          expect(listed === (await lsRefs(shown, options)), `${round}: ${JSON.stringify(options)}`).toBe(
            true,
          );
        }
      }
    }
  });

  it('without being encoded again', async () => {
    const digest = 'f'.repeat(64);
    const [options] = questions as [LsRefsOptions];
    const first = await lsRefsOf(digest, state, options);
    const empty = { ...state, refs: new Map() };
    expect((await lsRefsOf(digest, empty, options)) === first).toBe(true);
  });
});
