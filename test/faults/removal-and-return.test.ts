/**
 * A repository that is withdrawn, removed, announced again and pushed to with the same bytes, over and over, by two servers whose
 * deletes are late, lost and repeated: whatever its manifest names is there.
 */
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/lib/digest.ts';
import { namedArtifacts, type PackEntry } from '../../src/repository/git/git-manifest.ts';
import { artifactKey } from '../../src/repository/keys.ts';
import { announcement, deletion, idOf, RelayRig } from '../helpers/relay-rig.ts';
import { oid, packOf } from '../helpers/repository-rig.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { alice } from '../unit/nostr/authors.ts';

const DAY = 86_400_000;
const ID = idOf(alice);
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const STEPS = 60;

class World {
  readonly random: SeededRandom;
  readonly servers: readonly RelayRig[];
  /** Deletes that are still to happen: their answers were lost. */
  readonly late: string[] = [];
  readonly done: string[] = [];
  private at = 1_800_000_000;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const first = new RelayRig({ seed });
    this.servers = [first, first.another(seed + 1_000)];
    first.store.rules.push(({ operation, key }) => {
      if (operation !== 'delete') return undefined;
      const chance = this.random.fraction();
      if (chance < 0.3) this.late.push(key);
      if (chance < 0.15) return { does: 'lose-reply-not-applied' };
      if (chance < 0.3) return { does: 'lose-reply-applied' };
      return undefined;
    });
  }

  get server(): RelayRig {
    return this.random.pick(this.servers);
  }

  async step(): Promise<void> {
    const what = this.random.pick([
      'return',
      'return',
      'push',
      'push',
      'withdraw',
      'time',
      'time',
      'late',
    ] as const);
    this.done.push(what);
    this.at++;
    if (what === 'return') await this.server.announce(announcement(alice, { at: this.at }));
    else if (what === 'withdraw') await this.server.withdraw(deletion(alice, this.at));
    else if (what === 'push') await this.push(this.server);
    else if (what === 'time') await this.passTime();
    else await this.landLate();
  }

  /** Deletes that were asked for long ago happen now. */
  async landLate(): Promise<void> {
    const { store } = this.servers[0] as RelayRig;
    for (const key of this.late.splice(0, 1 + this.random.below(4)))
      await store.delete(key).catch(() => undefined);
  }

  /** Both servers are at the same work at the same time; one of them is met by a return and a push in the middle of it. */
  private async passTime(): Promise<void> {
    for (const { clock } of this.servers) clock.advance(4 * DAY);
    const [one, other] = this.servers as [RelayRig, RelayRig];
    if (this.random.fraction() < 0.5) {
      one.store.next(({ operation }) => operation === 'delete', {
        does: 'run',
        before: async () => {
          await other.announce(announcement(alice, { at: ++this.at }));
          await this.push(other);
        },
      });
    }
    await Promise.all(this.servers.map((server) => server.upkeep.run(new AbortController().signal)));
  }

  private async push(server: RelayRig): Promise<void> {
    const { artifacts, repositories } = server.repositories;
    const repository = repositories.get(ID);
    const met = (await repository.resolve())?.manifest;
    if (met === undefined || met.lifecycle === 'withdrawn') return;
    const name = this.random.pick(['a', 'b', 'c']);
    const put = (kind: 'pack' | 'idx') =>
      artifacts.put(ID, kind, sha256(`${name}.${kind}`), Buffer.from('x'), { generation: met.generation });
    const entry: PackEntry = { ...packOf(name), pack: await put('pack'), idx: await put('idx') };
    await repository.publisher.join({
      since: repository.mark(),
      evaluate: async (state) => {
        if (state?.incarnation !== met.incarnation || state.lifecycle === 'withdrawn')
          return { result: undefined };
        if (state.packs.some(({ pack }) => pack.digest === entry.pack.digest)) return { result: undefined };
        const next = {
          ...state,
          refs: new Map([['refs/heads/main', oid('1')]]),
          packs: [...state.packs, entry],
        };
        const cause = { kind: 'push', actor: alice.publicKey, evidence: null, refs: [] } as const;
        return { next, cause, result: undefined };
      },
    });
  }

  /** Artifacts that the manifest in force names and that are not there. */
  async missing(): Promise<string[]> {
    const [server] = this.servers as [RelayRig, RelayRig];
    const manifest = await server.manifest(ID);
    const missing: string[] = [];
    for (const { kind, ref } of manifest === undefined ? [] : namedArtifacts(manifest)) {
      const { n } = ref;
      const key = artifactKey(ID, { digest: ref.digest, kind, ...(n === undefined ? {} : { n }) });
      if (!(await server.store.head(key)).found) missing.push(key);
    }
    return missing;
  }
}

describe('a repeated removal (issue 11, point 5)', () => {
  it.each(SEEDS)('never deletes objects that a new incarnation has written again (seed %i)', async (seed) => {
    const world = new World(seed);
    let deletes = 0;
    for (let step = 0; step < STEPS; step++) {
      await world.step();
      expect(await world.missing(), `seed ${seed}: ${world.done.join(', ')}`).toEqual([]);
    }
    while (world.late.length > 0) {
      deletes++;
      await world.landLate();
      if (deletes > 200) world.late.length = 0;
    }
    expect(await world.missing(), `seed ${seed}, late deletes`).toEqual([]);
  });

  it('deletes everything of a repository that stays withdrawn', async () => {
    const world = new World(99);
    const [server] = world.servers as [RelayRig, RelayRig];
    for (let step = 0; step < 30; step++) await world.step();
    await server.announce(announcement(alice, { at: 1_900_000_000 }));
    await server.withdraw(deletion(alice, 1_900_000_001));
    for (let day = 0; day < 30; day++) {
      server.clock.advance(DAY);
      await server.upkeep.run(new AbortController().signal);
    }
    const left: string[] = [];
    for await (const { key } of server.store.list('')) if (/\.(pack|idx)$/.test(key)) left.push(key);
    expect(left).toEqual([]);
  });
});
