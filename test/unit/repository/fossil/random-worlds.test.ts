/** Several servers over one store that fails now and then, and writers that push anything in any order at the same time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactName } from '../../../../src/fossil/artifact-name.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import { isCairnError } from '../../../../src/lib/errors.ts';
import { systemRandom } from '../../../../src/lib/random.ts';
import { foldFossil } from '../../../../src/maintenance/fold/fossil/fossil-fold.ts';
import type { Bag } from '../../../../src/repository/fossil/bag.ts';
import { ChangeShun } from '../../../../src/repository/fossil/change-shun.ts';
import type {
  ReceivedArtifact,
  ReceivedUnversioned,
} from '../../../../src/repository/fossil/prepared-artifacts.ts';
import { canSettle } from '../../../../src/repository/fossil/publish-artifacts.ts';
import { verifyBag } from '../../../../src/repository/fossil/verify-bag.ts';
import type { StoreCall } from '../../../helpers/faulty-store.ts';
import {
  checkIn,
  clusterOf,
  compressed,
  delta,
  FossilRig,
  lines,
  waitingBytes,
  whole,
} from '../../../helpers/fossil-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

const WRITERS = 6;
const PUSHES = 8;

/** Everything that a bag tells. */
async function toldBy(bag: Bag) {
  const entries = Array.from({ length: bag.count }, (_, ordinal) => bag.at(ordinal));
  const names = (found: Iterable<{ readonly name: ArtifactName }>) => [...found].map(({ name }) => name);
  return {
    entries,
    counts: [bag.count, bag.publicCount, bag.unclusteredCount, bag.state.artifacts, waitingBytes(bag)],
    unclustered: names(bag.unclustered()),
    clusters: names(bag.clusters()),
    leaves: names(bag.heads()),
    wanted: bag.wanted(1_000).sort(),
    unversioned: [...(await bag.unversioned()).values()].sort((one, other) =>
      one.name < other.name ? -1 : 1,
    ),
  };
}

/** What may be pushed: a world of artifacts, each whole or as a delta of another one. */
class World {
  readonly all: ReceivedArtifact[] = [];
  readonly unversioned = new Map<string, ReceivedUnversioned[]>();
  /** Names whose content was acknowledged whole, or as a delta with its source. */
  readonly acknowledged = new Map<ArtifactName, { source?: ArtifactName; isPublic: boolean }[]>();
  private readonly random: SeededRandom;

  constructor(random: SeededRandom) {
    this.random = random;
    for (let at = 0; at < 40; at++)
      this.all.push(whole(lines(at * 3, 20), { algorithm: random.pick(['sha1', 'sha3-256']) }));
    for (let at = 0; at < 10; at++) {
      const parents = at === 0 ? [] : [this.random.pick(this.all.slice(40))];
      this.all.push(checkIn(`number\\s${at}`, parents));
    }
    for (let at = 0; at < 4; at++)
      this.all.push(clusterOf(this.all.slice(at * 10, at * 10 + 12).map(({ name }) => name)));
  }

  request(): ReceivedArtifact[] {
    const count = 1 + this.random.below(8);
    const chosen = new Map<ArtifactName, ReceivedArtifact>();
    for (let at = 0; at < count; at++) {
      const artifact = this.random.pick(this.all);
      const isPrivate = this.random.below(4) === 0;
      const form = this.random.below(3);
      // Deltas of earlier ones only: those of writers that know one history are never circles.
      const earlier = this.all.slice(0, this.all.indexOf(artifact));
      const made =
        form === 0 || earlier.length === 0
          ? artifact
          : form === 1
            ? compressed(artifact)
            : delta(this.random.pick(earlier), artifact);
      chosen.set(artifact.name, { ...made, isPrivate });
    }
    return [...chosen.values()];
  }

  files(): ReceivedUnversioned[] {
    if (this.random.below(3) > 0) return [];
    const name = `file-${this.random.below(4)}`;
    const time = 1_000 + this.random.below(20);
    const { name: hash, payload } = whole(`content ${this.random.below(5)}`);
    const version: ReceivedUnversioned =
      this.random.below(4) === 0
        ? { name, time, hash: undefined, size: 0 }
        : { name, time, hash, size: payload.length, content: payload };
    return [version];
  }

  acknowledge(artifacts: readonly ReceivedArtifact[], files: readonly ReceivedUnversioned[]): void {
    for (const { name, source, isPrivate } of artifacts) {
      const known = this.acknowledged.get(name) ?? [];
      known.push({ isPublic: !isPrivate, ...(source === undefined ? {} : { source }) });
      this.acknowledged.set(name, known);
    }
    for (const file of files) {
      this.unversioned.set(file.name, [...(this.unversioned.get(file.name) ?? []), file]);
    }
  }

  /** What must be visible: names, and whether everybody sees them. A delta needs its source. */
  visible(): Map<ArtifactName, boolean> {
    const visible = new Map<ArtifactName, boolean>();
    for (let grew = true; grew; ) {
      grew = false;
      for (const [name, forms] of this.acknowledged) {
        const here = forms.filter(({ source }) => source === undefined || visible.has(source));
        if (here.length === 0) continue;
        const isPublic = here.some((form) => form.isPublic);
        if (visible.get(name) === isPublic) continue;
        visible.set(name, isPublic);
        grew = true;
      }
    }
    return visible;
  }
}

let scratch: TempDir;

beforeAll(async () => {
  scratch = await tempDir('fold-fossil');
});

afterAll(() => scratch[Symbol.asyncDispose]());

async function fold({ store: control, opened, repository }: FossilRig, mode: 'due' | 'full') {
  const context = {
    control,
    cache: opened.cache,
    scratch: scratch.path,
    // A clock that stands still would renew the lease without end.
    clock: systemClock,
    random: systemRandom,
    holder: 'folder',
    onTrouble: (_id: unknown, error: unknown) => {
      throw error;
    },
  };
  return foldFossil(context, repository, mode);
}

/** A store that loses answers of writes, and is late. */
function unreliable(random: SeededRandom) {
  return ({ operation }: StoreCall) => {
    if (operation !== 'put' || random.below(12) > 0) return undefined;
    return {
      does: random.pick(['lose-reply-applied', 'lose-reply-not-applied', 'throttle'] as const),
    } as const;
  };
}

describe.each([1, 3, 5].map((seed) => [seed]))('with seed %i', (seed) => {
  it('all artifacts of all writers are there afterwards, on every server', async () => {
    const random = new SeededRandom(seed);
    const first = await new FossilRig({ seed, folder: scratch.path }).create();
    const servers = [first, first.another(seed + 100), first.another(seed + 200)];
    const world = new World(random);
    first.store.rules.push(unreliable(random));
    first.store.latency = 1;
    // Two servers fold now and then, while others push.
    let over = false;
    const folding = (async () => {
      while (!over) {
        await fold(random.pick(servers), random.pick(['due', 'full'])).catch((error: unknown) => {
          if (!isCairnError(error, 'busy') && !isCairnError(error, 'unavailable')) throw error;
        });
        await sleep(5);
      }
    })();
    await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        for (let push = 0; push < PUSHES; push++) {
          const [artifacts, unversioned] = [world.request(), world.files()];
          try {
            await random.pick(servers).push({ artifacts, unversioned });
            world.acknowledge(artifacts, unversioned);
          } catch (error) {
            // Too many lost swaps, or no answer: such a push may or may not have happened, so it is sent again at the end.
            if (!isCairnError(error, 'busy') && !isCairnError(error, 'unavailable')) throw error;
            world.acknowledge(artifacts, unversioned);
            late.push({ artifacts, unversioned });
          }
        }
      }),
    );
    over = true;
    await folding;
    first.store.reset();
    for (const received of late.splice(0)) await first.push(received);
    // A server that died between two publishes leaves this to the next push.
    await first.push([]);

    const cold = first.another(seed + 300);
    const told = await toldBy(await cold.bag());
    const visible = new Map(told.entries.map(({ name, isPrivate }) => [name, !isPrivate]));
    expect(visible).toEqual(world.visible());
    for (const server of servers) expect(await toldBy(await server.bag())).toEqual(told);
    const bag = await cold.bag();
    expect(canSettle(bag)).toBe(false);
    expect(await verifyBag(bag)).toEqual([]);
    for (const [name, versions] of world.unversioned) {
      const newest = Math.max(...versions.map(({ time }) => time));
      expect((await bag.unversioned()).get(name)?.time).toBe(newest);
    }
  });

  it('a state derived step by step equals one derived from scratch', async () => {
    const random = new SeededRandom(seed);
    const rig = await new FossilRig({ seed, folder: scratch.path }).create();
    const world = new World(random);
    for (let step = 0; step < 40; step++) {
      if (random.below(10) === 0) {
        const { repository } = rig;
        const shunned = (await rig.bag()).state.shunned;
        const request =
          random.below(2) === 0 ? { shun: [random.pick(world.all).name] } : { unshun: shunned.slice(0, 1) };
        await repository.publisher.join(new ChangeShun(repository, request, repository.mark()));
      } else if (random.below(6) === 0) {
        await fold(rig, random.pick(['due', 'full']));
      } else {
        await rig.push({ artifacts: world.request(), unversioned: world.files() });
      }
      const bag = await rig.bag();
      const cold = await rig.another(step).bag();
      expect(await toldBy(bag)).toEqual(await toldBy(cold));
      expect(bag.publicCount).toBe(bag.state.artifacts);
      if (step % 8 === 7) expect(await verifyBag(bag)).toEqual([]);
    }
  });
});

const late: { artifacts: ReceivedArtifact[]; unversioned: ReceivedUnversioned[] }[] = [];
