import { expect, it } from 'vitest';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import type { Change } from '../../../src/repository/change.ts';
import type { GitManifest } from '../../../src/repository/git/git-manifest.ts';
import { pointerKey } from '../../../src/repository/keys.ts';
import { InstantClock } from '../../helpers/instant-clock.ts';
import { ID, oid, RepositoryRig, stateOf } from '../../helpers/repository-rig.ts';
import { SwapRateStore } from '../../helpers/swap-rate-store.ts';

/** Those who sleep let others do something meanwhile. */
class SharedClock extends InstantClock {
  override async sleep(milliseconds: number): Promise<void> {
    await super.sleep(milliseconds);
    await new Promise(setImmediate);
  }
}

function makeRef(name: string): Change<GitManifest, boolean> {
  const ref = `refs/heads/${name}`;
  return {
    since: 0,
    evaluate: async (state) => {
      const met = state ?? stateOf();
      const refs = new Map([...met.refs, [ref, oid('1')] as const]);
      return {
        next: { ...met, refs },
        cause: { kind: 'push', actor: null, evidence: null, refs: [ref] },
        result: true,
      };
    },
  };
}

/** A repository on a store that swaps a key once a second by the clock of the rig. */
function rigOn(early: 'waits' | 'refused') {
  const clock = new SharedClock();
  const store = new SwapRateStore(new MemoryObjectStore(), { perSecond: 1, early, clock });
  const rig = new RepositoryRig({ store, clock });
  const swaps = () => store.written.get(pointerKey(ID)) ?? 0;
  return { clock, store, rig, swaps };
}

it.each(['waits', 'refused'] as const)(
  'pushes to 64 branches at once need at most three swaps on a store with one swap per second, if the next one %s',
  async (early) => {
    const { rig, swaps } = rigOn(early);
    const { publisher } = rig.repository;
    const joined = Array.from({ length: 64 }, (_, n) => publisher.join(makeRef(`b${n}`)));
    expect((await Promise.all(joined)).every(({ result }) => result)).toBe(true);
    expect((await rig.cold().repository.resolve())?.manifest.refs.size).toBe(64);
    expect(swaps()).toBeLessThanOrEqual(3);
  },
);

it.each(['waits', 'refused'] as const)(
  '64 pushers that continue as soon as they are answered fill every swap, if the next one %s',
  async (early) => {
    const { clock, rig, swaps } = rigOn(early);
    const { publisher } = rig.repository;
    const rounds = 20;
    const pusher = async (who: number) => {
      for (let round = 0; round < rounds; round++) {
        // Some are back at once, others after a while: batches of one are what this would lead to.
        for (let turn = 0; turn < who; turn++) await Promise.resolve();
        await publisher.join(makeRef(`b${who}-${round}`));
      }
    };
    await Promise.all(Array.from({ length: 64 }, (_, who) => pusher(who)));
    expect((await rig.cold().repository.resolve())?.manifest.refs.size).toBe(64 * rounds);
    // The first batch is one change, and the pace is not known before the second.
    expect(swaps()).toBeLessThanOrEqual(rounds + 3);
    expect((64 * rounds) / (clock.monotonic() / 1000)).toBeGreaterThan(50);
  },
);

it('SlowDown answers of a store fail no push', async () => {
  const { store, rig } = rigOn('refused');
  const { publisher } = rig.repository;
  for (let turn = 0; turn < 30; turn++) await publisher.join(makeRef(`b${turn}`));
  expect(store.early).toBeGreaterThan(0);
  expect((await rig.cold().repository.resolve())?.manifest.refs.size).toBe(30);
});
