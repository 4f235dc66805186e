/** The comparison with git sees what is wrong: answers made by hand, each with one fault, are held against git's. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodePacket, encodeSideband, flushPacket } from '../../src/git/index.ts';
import { Git } from '../../src/git-process/git.ts';
import type { FetchCase } from '../helpers/fetch-cases.ts';
import { type GeneratedHistory, generateHistory } from '../helpers/generated-history.ts';
import { LikeGit } from '../helpers/like-git.ts';
import type { GitObject } from '../helpers/object-graph.ts';
import { packOf, type RawDelta } from '../helpers/raw-git.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let folder: TempDir;
let git: Git;
let history: GeneratedHistory;
let server: Server;
let answer = Buffer.alloc(0);

beforeAll(async () => {
  folder = await tempDir('cairn-comparison');
  git = new Git({ binary: 'git', home: folder.path });
  history = await generateHistory(folder.path, { seed: 7, commits: 12, stages: 2, format: 'sha1' });
  server = createServer((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => response.end(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await git.close();
  await folder[Symbol.asyncDispose]();
});

const BAND_DATA = 1;
const BAND_PROGRESS = 2;
/** Bytes. */
const SMALL_PACKETS = 10_000;

/** What comes of an answer to a request for everything that main reaches. */
async function judge(packets: (objects: readonly GitObject[]) => readonly Buffer[], hasBitmaps = false) {
  const { port } = server.address() as AddressInfo;
  const wants = [history.stages.at(-1)?.get('refs/heads/main') ?? ''];
  const objects = [...history.graph.closure(wants)].map((oid) => found(oid));
  answer = Buffer.concat(packets(objects));
  const one: FetchCase = {
    ...{ version: 2, wants, haves: [], shallow: [], limits: [], filter: undefined, done: true },
    ...{ features: new Set(['no-progress']), band: 'side-band-64k', objectFormat: 'sha1' },
  };
  const likeGit = new LikeGit({ history, url: `http://127.0.0.1:${port}`, git, hasBitmaps });
  return (await likeGit.judge(one, { inTurn: [], together: [] })).join('\n');
}

function found(oid: string): GitObject {
  const object = history.graph.objects.get(oid);
  if (object === undefined) throw new Error(`there is no ${oid}`);
  return object;
}

/** A v2 answer around a pack. */
function around(pack: Buffer): Buffer[] {
  return [encodePacket('packfile\n'), ...encodeSideband(BAND_DATA, pack, SMALL_PACKETS), flushPacket];
}

const unreachable: GitObject = { type: 'blob', content: Buffer.from('that nobody asked for') };

it('answers with the same objects in another pack are equal', async () => {
  expect(await judge((objects) => around(packOf(objects.toReversed())))).toBe('');
});

it.each([
  {
    fault: 'a missing object',
    says: /1 missing of/,
    pack: (all: readonly GitObject[]) => packOf(all.slice(1)),
  },
  {
    fault: 'an object too many',
    says: /1 extra of/,
    pack: (all: readonly GitObject[]) => packOf([...all, unreachable]),
  },
  {
    fault: 'an object that comes twice',
    says: /1 objects come twice.*a strict client refuses/s,
    pack: (all: readonly GitObject[]) => packOf([...all, ...all.slice(0, 1)]),
  },
  {
    fault: 'a pack that is cut off',
    says: /the trailer is not the checksum/,
    pack: (all: readonly GitObject[]) => packOf(all).subarray(0, -1),
  },
  {
    fault: 'a delta on what the client lacks',
    says: /a thin pack was not asked for.*which the client lacks/s,
    pack: (all: readonly GitObject[]) => packOf([...all, deltaOnBlob(all)]),
  },
])('$fault is detected', async ({ says, pack }) => {
  for (const hasBitmaps of [false, true]) {
    expect(await judge((objects) => around(pack(objects)), hasBitmaps)).toMatch(says);
  }
});

it('faults outside the pack are detected', async () => {
  const whole = (objects: readonly GitObject[]) => around(packOf(objects));
  expect(await judge((objects) => whole(objects).slice(0, -1))).toMatch(/does not end with a flush/);
  expect(await judge((objects) => whole(objects).slice(1))).toMatch(/begins/);
  expect(await judge((objects) => [encodePacket('acknowledgments\n'), ...whole(objects)])).toMatch(/begins/);
  const progress = encodeSideband(BAND_PROGRESS, 'Working');
  expect(await judge((objects) => whole(objects).toSpliced(1, 0, ...progress))).toMatch(/progress unasked/);
  expect(await judge(() => [encodePacket('ERR no'), flushPacket])).toMatch(/there is no pack/);
});

/** A delta against a blob of the history that is not among these objects. */
function deltaOnBlob(objects: readonly GitObject[]): RawDelta {
  const base = history.graph.ids('blob').find((oid) => !objects.includes(found(oid)));
  if (base === undefined) throw new Error('main reaches every blob');
  return { base, baseLength: found(base).content.length, append: Buffer.from('!') };
}
