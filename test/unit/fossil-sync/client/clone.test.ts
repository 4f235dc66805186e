import { describe, expect, it } from 'vitest';
import type { Card } from '../../../../src/fossil/cards.ts';
import { deflatePayload } from '../../../../src/fossil/compression.ts';
import { clone } from '../../../../src/fossil-sync/client/clone.ts';
import { FileSpool } from '../../../../src/fossil-sync/client/file-spool.ts';
import { MemoryCloneTarget } from '../../../../src/fossil-sync/client/memory-bag.ts';
import { StalledError, SyncFailure } from '../../../../src/fossil-sync/client/sync-result.ts';
import { CairnError } from '../../../../src/lib/errors.ts';
import type { ReceivedArtifact } from '../../../../src/repository/fossil/prepared-artifacts.ts';
import { delta, lines, whole } from '../../../helpers/fossil-rig.ts';
import { MockFossilServer, type MockReply } from '../../../helpers/mock-fossil-server.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

const CODE = 'c'.repeat(40);
const push: Card = { card: 'push', serverCode: 'd'.repeat(40), projectCode: CODE };
const next = (position: number): Card => ({ card: 'clone_seqno', position });

/** An artifact as a page of a clone has it. */
function cfile(artifact: ReceivedArtifact, size = artifact.payload.length): Card {
  const { name, source, payload, isPrivate } = artifact;
  const from = source === undefined ? {} : { source };
  return { card: 'cfile', name, ...from, size, payload: deflatePayload(payload), isPrivate };
}

const artifacts = Array.from({ length: 6 }, (_, number) => whole(`artifact ${number} `.repeat(20)));
const [one = whole(''), two = whole(''), three = whole('')] = artifacts;

async function failure(
  replies: readonly MockReply[],
  options = {},
): Promise<[SyncFailure, MockFossilServer]> {
  const server = new MockFossilServer(replies);
  const target = new MemoryCloneTarget();
  const failed = await clone(target, server, options).catch((error: unknown) => error);
  if (!(failed instanceof SyncFailure)) throw new Error(`it does not fail: ${String(failed)}`);
  expect(target.bag).toBeUndefined();
  return [failed, server];
}

describe('a clone', () => {
  it('asks for one page after the other, returns the cookie, and ends with a pull', async () => {
    const setting = Buffer.from(`1700000000 'project-name' value 'It''s a name'`);
    const server = new MockFossilServer([
      [cfile(one), { card: 'cookie', value: 'pin' }, next(2), push],
      [cfile(two), cfile(three), next(0), push],
      [{ card: 'config', name: '/config', content: setting }],
    ]);
    const target = new MemoryCloneTarget();
    const result = await clone(target, server);
    expect(server.sent(1, 'clone')).toEqual([{ card: 'clone', version: 3, position: 1 }]);
    expect(server.sent(2, 'clone')).toEqual([{ card: 'clone', version: 3, position: 2 }]);
    expect(server.sent(2, 'cookie')).toEqual([{ card: 'cookie', value: 'pin' }]);
    expect(server.requests[2]?.map(({ card }) => card)).toEqual(['pragma', 'pull', 'reqconfig', 'comment']);
    expect(server.requests.flat().map(({ card }) => card)).not.toContain('clone_seqno');
    expect(result).toMatchObject({
      rounds: 3,
      filesReceived: 3,
      projectCode: CODE,
      projectName: "It's a name",
    });
    expect(target.bag?.count).toBe(3);
  });

  it.each(['memory', 'a file'])(
    'accepts deltas whose sources come pages later, through a spool in %s',
    async (where) => {
      await using folder = await tempDir();
      const versions = Array.from({ length: 40 }, (_, at) => whole(lines(at, 60)));
      // As stock servers do: each version is a delta of the next one, and only the newest is whole.
      const chain = versions.map((version, at) => {
        const source = versions[at + 1];
        return source === undefined ? cfile(version) : cfile(delta(source, version), version.payload.length);
      });
      const pages = Array.from({ length: 8 }, (_, page) => [
        ...chain.slice(page * 5, page * 5 + 5),
        next(page === 7 ? 0 : page * 5 + 6),
        push,
      ]);
      const target = new MemoryCloneTarget();
      const spool = where === 'memory' ? undefined : await FileSpool.create(folder.path);
      const result = await clone(target, new MockFossilServer([...pages, []]), {}, spool);
      expect(result).toMatchObject({ filesReceived: 40, missing: [], rounds: 9 });
      for (const { name, payload } of versions) {
        expect(Buffer.from((await target.bag?.content(name)) ?? []).equals(payload)).toBe(true);
      }
    },
  );

  it('fetches the source of a delta by a pull if no page has it', async () => {
    const source = whole(lines(0, 50));
    const version = whole(lines(1, 50));
    const server = new MockFossilServer([
      [cfile(delta(source, version), version.payload.length), next(0), push],
      [],
      [cfile(source)],
      [],
    ]);
    const target = new MemoryCloneTarget();
    await clone(target, server);
    expect(server.sent(2, 'gimme')).toEqual([{ card: 'gimme', name: source.name }]);
    expect(target.bag?.find(version.name)).toBeDefined();
  });

  it('asks a server without pages for everything that it announces', async () => {
    const server = new MockFossilServer((cards, exchange) => {
      const igots: Card[] = artifacts.map(({ name }) => ({ card: 'igot', name, isPrivate: false }));
      if (exchange <= 2) return [...igots, push];
      const asked = new Set(cards.flatMap((card) => (card.card === 'gimme' ? [card.name] : [])));
      return artifacts.filter(({ name }) => asked.has(name)).map((artifact) => cfile(artifact));
    });
    const target = new MemoryCloneTarget();
    await clone(target, server);
    expect(target.bag?.count).toBe(artifacts.length);
  });

  it('logs in once the server has sent the project code', async () => {
    const refused: Card[] = [push, { card: 'error', text: 'not authorized to clone' }];
    const server = new MockFossilServer([refused, [cfile(one), next(0), push], []]);
    const target = new MemoryCloneTarget();
    const account = { user: 'alice', password: 'sesame' };
    await clone(target, server, { account });
    expect(server.sent(1, 'login')).toEqual([]);
    expect(server.sent(2, 'login')).toMatchObject([{ user: 'alice' }]);
    expect(server.sent(2, 'clone')).toEqual([{ card: 'clone', version: 3, position: 1 }]);
    const [twice] = await failure([refused], { account });
    expect(twice).toMatchObject({ kind: 'forbidden', result: { rounds: 2 } });
  });
});

it('a clone with private artifacts asks for the first page again once it can log in', async () => {
  const secret = { ...two, isPrivate: true };
  const server = new MockFossilServer((cards) => {
    const isAllowed = cards.some((card) => card.card === 'login');
    if (cards.some((card) => card.card === 'pragma' && card.name === 'send-private') !== isAllowed) {
      return [{ card: 'error', text: 'not authorized to sync private content' }];
    }
    const asksForPage = cards.some((card) => card.card === 'clone');
    return asksForPage ? [cfile(one), ...(isAllowed ? [cfile(secret)] : []), next(0), push] : [];
  });
  const target = new MemoryCloneTarget();
  const account = { user: 'alice', password: 'sesame' };
  await clone(target, server, { account, privateArtifacts: true });
  expect(target.bag?.find(secret.name)).toMatchObject({ isPrivate: true });
  expect(target.bag?.count).toBe(2);
});

describe('a clone fails, and leaves nothing, if the server', () => {
  it.each([
    ['answers nothing', [[]], /without a last page/],
    ['sends artifacts and no position', [[cfile(one), push]], /without a last page/],
    [
      'goes back to an earlier position',
      [
        [cfile(one), next(5), push],
        [cfile(two), next(5), push],
      ],
      /back from position 5 to 5/,
    ],
    ['stops in the middle with an empty reply', [[cfile(one), next(2), push], []], /1 artifacts came/],
    ['never tells the code of the project', [[cfile(one), next(0)]], /project code/],
    ['tells no code', [[{ ...push, projectCode: 'abc' } as Card, next(0)]], /project code/],
    [
      'changes the code of the project',
      [
        [cfile(one), next(2), push],
        [cfile(two), next(0), { ...push, projectCode: 'e'.repeat(40) } as Card],
      ],
      /changed its project code/,
    ],
    [
      'sends an artifact that is another one',
      [[cfile({ ...one, payload: two.payload }), next(0), push], []],
      new RegExp(one.name),
    ],
    [
      'sends damaged bytes',
      [[{ ...one, card: 'cfile', size: 5, payload: Buffer.from('0000nothing') }, next(0), push], []],
      new RegExp(one.name),
    ],
    ['sends what Fossil does not know', [Buffer.from('nonsense\n')], /nonsense/],
  ] as [string, MockReply[], RegExp][])('%s', async (_, replies, message) => {
    const [failed] = await failure(replies);
    expect(failed.message).toMatch(message);
  });

  it('sends pages without artifacts', async () => {
    const server: MockReply[] = Array.from({ length: 9 }, (_, page) => [next(page + 2), push]);
    const [failed, { requests }] = await failure(server);
    expect(failed.message).toMatch('pages without artifacts');
    expect(requests).toHaveLength(3);
  });

  it('does not have the sources of its deltas, and the error names them', async () => {
    const sources = Array.from({ length: 12 }, (_, at) => whole(lines(at, 40)));
    const pages = sources.map((source, at) => {
      const version = whole(lines(at, 41));
      return cfile(delta(source, version), version.payload.length);
    });
    const [failed] = await failure([[...pages, next(0), push], []]);
    expect(failed.cause).toBeInstanceOf(StalledError);
    expect((failed.cause as StalledError).missing).toHaveLength(10);
    expect(failed.message).toMatch(/lacks the sources of its deltas; missing: .* and 2 more/);
  });

  it('has more pages than are allowed', async () => {
    const server: MockReply[] = artifacts.map((artifact, page) => [cfile(artifact), next(page + 2), push]);
    const [failed] = await failure(server, { limits: { rounds: 4 } });
    expect(failed.message).toMatch('after 4 rounds the server has still more to send');
  });

  it('is fine, but the target exists already', async () => {
    const server = new MockFossilServer([[cfile(one), next(0), push]]);
    const target = {
      begin: async () => {
        throw new CairnError('conflict', 'there is one already');
      },
    };
    await expect(clone(target, server)).rejects.toMatchObject({ kind: 'conflict' });
    expect(server.requests).toHaveLength(1);
  });
});
