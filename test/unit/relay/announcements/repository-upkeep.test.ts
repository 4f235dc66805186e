import { describe, expect, it } from 'vitest';
import { tombstonesKey } from '../../../../src/repository/keys.ts';
import { rescueFromTombstones } from '../../../../src/repository/records/tombstones.ts';
import { announcement, deletion, idOf, RelayRig } from '../../../helpers/relay-rig.ts';
import { oid, packOf } from '../../../helpers/repository-rig.ts';
import { alice, bob } from '../../nostr/authors.ts';

const signal = new AbortController().signal;
const MINUTE = 60_000;
const DAY = 86_400_000;

/** Lets time pass and upkeep run. */
async function later(rig: RelayRig, milliseconds: number): Promise<void> {
  rig.clock.advance(milliseconds);
  await rig.upkeep.run(signal);
}

async function publish(rig: RelayRig, lifecycle: 'live' | 'held', withPack = false): Promise<void> {
  await rig.repositories.repositories.get(idOf(alice)).publisher.join({
    since: 0,
    evaluate: async (met) => ({
      ...(met === undefined
        ? {}
        : {
            next: {
              ...met,
              lifecycle,
              refs: new Map([['refs/heads/main', oid('1')]]),
              packs: withPack ? [packOf('a')] : [],
            },
            cause: { kind: 'push', actor: alice.publicKey, evidence: null, refs: ['refs/heads/main'] },
          }),
      result: undefined,
    }),
  });
}

async function keys(rig: RelayRig, part: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of rig.store.list('')) if (key.includes(part)) found.push(key);
  return found;
}

describe('a repository that waits for its first data', () => {
  it.each([
    ['by the server that took its announcement', (rig: RelayRig) => rig],
    ['by one that has just started', (rig: RelayRig) => new RelayRig({ seed: 2 }, rig.repositories)],
  ])('is withdrawn after 30 minutes %s, and may be announced again at once', async (_who, server) => {
    const rig = new RelayRig();
    const event = announcement(alice, { as: 'grasp' });
    await rig.announce(event);
    const first = await rig.manifest(idOf(alice));
    const other = server(rig);
    await later(rig, 29 * MINUTE);
    expect((await rig.manifest(idOf(alice)))?.lifecycle).toBe('held');
    if (other !== rig) other.clock.advance(29 * MINUTE);
    await later(other, 2 * MINUTE);
    const expired = await other.manifest(idOf(alice));
    expect(expired).toMatchObject({ lifecycle: 'withdrawn', causes: [{ kind: 'withdraw', actor: null }] });
    expect(expired?.withdrawal).toBeUndefined();
    expect((await rig.announce(event)).note).toMatch(/^purgatory: /);
    const again = await rig.manifest(idOf(alice));
    expect(again?.lifecycle).toBe('held');
    expect(again?.incarnation).not.toBe(first?.incarnation);
  });

  it('stays after its data came', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { as: 'grasp' }));
    await publish(rig, 'live');
    await later(rig, 31 * MINUTE);
    expect((await rig.manifest(idOf(alice)))?.lifecycle).toBe('live');
    expect((await rig.owners.read(alice.publicKey)).get('project')?.state).toBe('made');
  });
});

describe('a reservation', () => {
  it('without data does not count after an hour', async () => {
    const rig = new RelayRig({ maxRepositoriesPerOwner: 1 });
    rig.store.next(
      ({ operation, key }) => operation === 'put' && key.endsWith('/pointer'),
      {
        does: 'unavailable',
      },
      100,
    );
    await expect(rig.announce(announcement(alice))).rejects.toMatchObject({ kind: 'unavailable' });
    rig.store.reset();
    expect((await rig.announce(announcement(alice, { identifier: 'other' }))).accepted).toBe(false);
    await later(rig, 61 * MINUTE);
    expect((await rig.announce(announcement(alice, { identifier: 'other' }))).accepted).toBe(true);
  });

  it('is freed even if the server stopped during the withdrawal', async () => {
    const rig = new RelayRig({ maxRepositoriesPerOwner: 1 });
    await rig.announce(announcement(alice));
    await later(rig, 31 * MINUTE);
    expect((await rig.owners.read(alice.publicKey)).get('project')?.state).toBe('made');
    await rig.withdraw(deletion(alice, 1_800_000_000));
    await rig.owners.settle(alice.publicKey, 'project', 'made');
    await later(rig, MINUTE);
    expect((await rig.owners.read(alice.publicKey)).get('project')?.state).toBe('withdrawn');
  });

  it('of every owner is checked, some at a time', async () => {
    const rig = new RelayRig();
    const owners = Array.from({ length: 120 }, (_, at) => (at + 1).toString(16).padStart(64, '0'));
    for (const owner of owners) await rig.owners.reserve(owner, 'nothing', 1);
    rig.clock.advance(61 * MINUTE);
    const left = async () => {
      const records = await Promise.all(owners.map((owner) => rig.owners.read(owner)));
      return records.filter((record) => record.size > 0).length;
    };
    await rig.upkeep.run(signal);
    expect(await left()).toBe(70);
    await rig.upkeep.run(signal);
    await rig.upkeep.run(signal);
    expect(await left()).toBe(0);
  });
});

describe('a withdrawn repository', () => {
  /** With a pack in the bucket, withdrawn, and known to upkeep. */
  async function withdrawn(): Promise<RelayRig> {
    const rig = new RelayRig();
    await rig.announce(announcement(alice));
    for (const kind of ['pack', 'idx'] as const) {
      await rig.repositories.artifacts.put(idOf(alice), kind, packOf('a')[kind].digest, Buffer.from('x'));
    }
    await publish(rig, 'live', true);
    await rig.withdraw(deletion(alice, 1_800_000_000));
    await rig.upkeep.run(signal);
    return rig;
  }

  it('keeps its objects for the grace period, and its history forever', async () => {
    const rig = await withdrawn();
    await later(rig, 6 * DAY);
    expect(await keys(rig, '.pack')).toHaveLength(1);
    const history = await keys(rig, '.json');
    await later(rig, 2 * DAY);
    expect(await keys(rig, '.pack')).toEqual([]);
    expect(await keys(rig, '.idx')).toEqual([]);
    expect(await keys(rig, '.json')).toEqual(history);
    expect((await rig.manifest(idOf(alice)))?.lifecycle).toBe('withdrawn');
    await rig.upkeep.run(signal);
    expect((await rig.owners.read(alice.publicKey)).size).toBe(0);
    expect((await rig.store.head(tombstonesKey(idOf(alice)))).found).toBe(true);
    expect(await rescueFromTombstones(rig.store, idOf(alice), `${packOf('a').pack.digest}.pack`)).toBe(
      'safe',
    );
  });

  it('loses nothing if it is announced again in time', async () => {
    const rig = await withdrawn();
    await later(rig, 6 * DAY);
    await rig.announce(announcement(alice, { at: 1_800_000_001 }));
    await later(rig, 2 * DAY);
    await later(rig, 2 * DAY);
    expect(await keys(rig, '.pack')).toHaveLength(1);
  });

  it('that is announced again during the deletion keeps objects that a push has stored again', async () => {
    const rig = await withdrawn();
    rig.clock.advance(8 * DAY);
    const id = idOf(alice);
    const { digest } = packOf('a').pack;
    let stored: { readonly n?: number } | undefined;
    // Between condemning and deleting: announced again, pushed again.
    rig.store.next(({ operation, key }) => operation === 'delete' && key.endsWith('.idx'), {
      does: 'run',
      before: async () => {
        await rig.announce(announcement(alice, { at: 1_800_000_001 }));
        stored = await rig.repositories.artifacts.put(id, 'pack', digest, Buffer.from('x'));
      },
    });
    await rig.upkeep.run(signal);
    expect(stored).toBeDefined();
    const name = stored?.n === undefined ? `${digest}.pack` : `${digest}-${stored.n}.pack`;
    expect(await keys(rig, name)).toHaveLength(1);
  });

  it('of another owner is not affected', async () => {
    const rig = await withdrawn();
    await rig.announce(announcement(bob));
    await rig.repositories.artifacts.put(idOf(bob), 'pack', packOf('b').pack.digest, Buffer.from('y'));
    await later(rig, 8 * DAY);
    expect(await keys(rig, '.pack')).toHaveLength(1);
  });
});

describe('an unreadable record of an owner', () => {
  it('does not affect repositories of others, and is reported', async () => {
    const rig = new RelayRig();
    for (const who of [alice, bob]) await rig.announce(announcement(who));
    const owned = [alice, bob].map(({ publicKey }) => publicKey).sort();
    const read: string[] = [];
    rig.store.rules.push(({ operation, key }) => {
      const owner = owned.find((each) => key.startsWith(`v1/owners/${each}`));
      if (operation !== 'get' || owner === undefined) return undefined;
      read.push(owner);
      return owner === owned[0] ? { does: 'unavailable' } : undefined;
    });
    await rig.upkeep.run(signal);
    expect(read).toContain(owned[1]);
  });
});
