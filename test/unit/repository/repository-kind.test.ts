/** Publishing is not bound to git: another kind of repository goes through the publisher, the swap and the chain of production. */

import { describe, expect, it } from 'vitest';
import { isCairnError } from '../../../src/lib/errors.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import { gitKind } from '../../../src/repository/git/git-kind.ts';
import { pointerKey } from '../../../src/repository/keys.ts';
import { ManifestStore } from '../../../src/repository/manifest-store.ts';
import { FaultyStore, type StoreCall } from '../../helpers/faulty-store.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { isPointerPut } from '../../helpers/store-calls.ts';
import { emptyWords, WORDS_ID, WordServer, wordKind } from '../../helpers/word-repository.ts';

/** The words that are published, as a server sees them that has just started. */
async function published(server: WordServer): Promise<string[]> {
  const state = await server.another(99).repository.resolve();
  return [...(state?.manifest.words.keys() ?? [])].sort();
}

/** Words by the publish that added them. */
async function added(server: WordServer): Promise<string[][]> {
  return (await server.another(99).chain()).map(({ causes }) => causes.flatMap((cause) => cause.added));
}

describe('a repository of another kind', () => {
  it('is created, read back and extended, and its artifacts are stored before they are named', async () => {
    const server = new WordServer();
    expect(await server.add('one', 'two')).toBe(2);
    expect(await server.add('two', 'three')).toBe(1);
    expect(await published(server)).toEqual(['one', 'three', 'two']);
    expect(await added(server)).toEqual([['one', 'two'], ['three']]);
    const [first, second] = await server.another(2).chain();
    expect([first?.depth, first?.parent, second?.depth]).toEqual([0, null, 1]);
    for (const { kind, ref } of second === undefined ? [] : wordKind.artifacts(second)) {
      await server.artifacts.mustExist(WORDS_ID, kind, ref);
    }
  });

  it('shares a swap among changes that come together', async () => {
    const server = new WordServer();
    await server.add('first');
    const changes = await Promise.all(['a', 'b', 'c', 'b'].map((word) => server.prepare(word)));
    const joined = changes.map((change) => server.repository.publisher.join(change));
    expect((await Promise.all(joined)).map(({ result }) => result)).toEqual([1, 1, 1, 0]);
    expect(await added(server)).toEqual([['first'], ['a'], ['b', 'c']]);
  });

  it('uses a manifest prepared in advance', async () => {
    const server = new WordServer();
    await server.add('first');
    await new Promise(setImmediate);
    const change = await server.prepare('second');
    await server.repository.publisher.prepare(change);
    server.store.reset();
    await server.repository.publisher.join(change);
    expect(server.store.log.map(({ key }) => key)).toEqual([pointerKey(WORDS_ID)]);
    expect(change.evaluations).toBe(1);
  });

  it('writes nothing for a change without effect, and reports it', async () => {
    const server = new WordServer();
    await server.add('one');
    server.store.reset();
    const { result, committed } = await server.repository.publisher.join({
      since: 0,
      evaluate: async (current = emptyWords()) => ({
        next: { ...current, words: new Map(current.words) },
        cause: { kind: 'push', actor: null, evidence: null, added: [] },
        result: 'as it was',
      }),
    });
    expect(result).toBe('as it was');
    expect(committed.digest).toBeUndefined();
    expect(server.store.count()).toBe(0);
  });

  it('is checked against the invariants of its kind and of all kinds', async () => {
    const server = new WordServer();
    await server.add('one');
    const broken = (parts: object) =>
      server.repository.publisher.join({
        since: 0,
        evaluate: async (current = emptyWords()) => ({
          next: { ...current, ...parts },
          cause: { kind: 'push', actor: null, evidence: null, added: ['?'] },
          result: undefined,
        }),
      });
    await expect(broken({ words: new Map() })).rejects.toThrow('"no word leaves" would not hold');
    const moved = { identifier: 'other', words: new Map([['?', { digest: '0'.repeat(64), size: 1 }]]) };
    await expect(broken(moved)).rejects.toThrow('"a repository keeps its identifier" would not hold');
    expect(await published(server)).toEqual(['one']);
  });

  it('is not opened as git, nor git as it', async () => {
    const server = new WordServer();
    await server.add('one');
    const digest = (await server.repository.resolve())?.digest ?? '';
    const asGit = new ManifestStore(server.artifacts, gitKind);
    await expect(asGit.load(WORDS_ID, digest)).rejects.toThrow('this is a repository of words, not of git');
    const decode = (text: string) =>
      wordKind.format(server.artifacts).decode(WORDS_ID, Buffer.from(text), 'x');
    expect(() => decode('{"version":1}')).toThrow('this is a repository of git, not of words');
    expect(() => decode('{"kind":"words","version":1}')).toThrow('is damaged');
    expect(() => decode('{"kind":7,"version":1}')).toThrow('is damaged');
  });
});

describe('a lost swap of another kind', () => {
  it('merges its additions with the winner’s', async () => {
    const outcomes: string[] = [];
    const store = new FaultyStore(new MemoryObjectStore());
    const publishObserver = {
      ended: (outcome: string) => outcomes.push(outcome),
      rebased: () => outcomes.push('rebased'),
    };
    const server = new WordServer(store, { publishObserver });
    await server.add('first');
    const rival = server.another(2);
    const before = async () => {
      await rival.add('theirs', 'both');
    };
    store.next(isPointerPut, { does: 'run', before });
    const change = await server.prepare('ours', 'both');
    expect((await server.repository.publisher.join(change)).result).toBe(1);
    expect(change.evaluations).toBe(2);
    expect(outcomes).toEqual(['published', 'rebased', 'published']);
    expect(await added(server)).toEqual([['first'], ['theirs', 'both'], ['ours']]);
  });

  it('is not reported if somebody has built on the publish whose answer was lost', async () => {
    const server = new WordServer();
    await server.add('first');
    const rival = server.another(2);
    server.store.next(isPointerPut, { does: 'lose-reply-applied' });
    server.store.next((call) => call.operation === 'get' && call.key === pointerKey(WORDS_ID), {
      does: 'run',
      before: async () => {
        await rival.add('theirs');
      },
    });
    const change = await server.prepare('ours');
    expect((await server.repository.publisher.join(change)).result).toBe(1);
    expect(change.evaluations).toBe(1);
    expect(await added(server)).toEqual([['first'], ['ours'], ['theirs']]);
  });
});

describe('an unknown outcome of another kind', () => {
  it('is reported, and if the write arrives later, nothing is added twice', async () => {
    const server = new WordServer();
    await server.add('first');
    const rule = (call: StoreCall) => {
      if (isPointerPut(call)) return { does: 'apply-late' } as const;
      return call.key === pointerKey(WORDS_ID) ? ({ does: 'unavailable' } as const) : undefined;
    };
    server.store.rules.push(rule);
    await expect(server.add('ours')).rejects.toThrow('may or may not have happened');
    server.store.reset();
    await server.store.applyLate();
    expect(await server.add('ours')).toBe(0);
    expect(await server.add('more')).toBe(1);
    expect(await added(server)).toEqual([['first'], ['ours'], ['more']]);
  });
});

describe('many publishers of another kind at once, over a store that fails', () => {
  const SERVERS = 6;
  const CHANGES = 8;

  it.each([1, 2, 3, 4, 5])('lose no word and add none twice (seed %i)', async (seed) => {
    const store = new FaultyStore(new MemoryObjectStore());
    const random = new SeededRandom(seed);
    let faults = 0;
    store.rules.push((call) => {
      if (call.key !== pointerKey(WORDS_ID) || random.below(4) > 0) return undefined;
      faults++;
      if (call.operation !== 'put') return { does: 'unavailable' };
      return random.pick([
        { does: 'lose-reply-applied' },
        { does: 'lose-reply-not-applied' },
        { does: 'refuse-after-applying' },
        { does: 'conflict' },
        { does: 'apply-late', after: 5 },
      ] as const);
    });
    const servers = Array.from(
      { length: SERVERS },
      (_, at) => new WordServer(store, { seed: seed * 100 + at }),
    );
    const words: string[] = [];
    const adding = servers.flatMap((server, at) =>
      Array.from({ length: CHANGES }, (_, number) => {
        const own = `word-${at}-${number}`;
        // Some come from two servers at once.
        const shared = `shared-${number}`;
        words.push(own, shared);
        return addUntilTold(server, own, shared);
      }),
    );
    await Promise.all(adding);
    expect(faults, 'the store has failed').toBeGreaterThan(10);
    store.reset();
    await store.applyLate();
    const all = [...new Set(words)].sort();
    const server = new WordServer(store);
    expect(await published(server)).toEqual(all);
    expect((await added(server)).flat().sort(), 'each word has one cause').toEqual(all);
    const chain = await server.chain();
    expect(chain.map(({ depth }) => depth)).toEqual(chain.map((_, at) => at));
  });

  /** As a client does that pushes again when it is not told that its push has happened. */
  async function addUntilTold(server: WordServer, ...words: readonly string[]): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      try {
        await server.add(...words);
        return;
      } catch (error) {
        if (!isCairnError(error, 'unavailable') && !isCairnError(error, 'busy')) throw error;
      }
    }
    throw new Error(`${words.join(' ')} was never taken`);
  }
});
