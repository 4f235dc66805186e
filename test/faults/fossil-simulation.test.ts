/** Fossil clients and servers under lost, repeated, reordered, cut and late messages, crashes and faults (issue 14, "It must show"). */
import { describe, expect, it } from 'vitest';
import type { ArtifactName } from '../../src/fossil/artifact-name.ts';
import type { TakenArtifacts } from '../../src/fossil-sync/client/local-bag.ts';
import { MemoryBag } from '../../src/fossil-sync/client/memory-bag.ts';
import type { Received } from '../../src/repository/fossil/prepared-artifacts.ts';
import { FossilWorld, type Violation } from '../helpers/fossil-world.ts';
import { testSeed } from '../helpers/test-seed.ts';

const FIRST = testSeed();
const SEEDS = Array.from({ length: Number(process.env['CAIRN_TEST_WORLDS'] ?? 4) }, (_, at) => FIRST + at);
const STEPS = 25;

it.each(SEEDS)(
  'seed %i: acknowledged artifacts are there at any time, every fault fires, and after the faults end all sides are equal',
  async (seed) => {
    const world = await new FossilWorld(seed).start();
    for (let step = 0; step < STEPS; step++) {
      await world.step();
      if (step % 5 === 4) expect(await world.safety(), `step ${step}`).toEqual([]);
    }
    await world.complete();
    expect(world.silent(), 'faults and fates that never came').toEqual([]);
    await world.heal();
    expect([...(await world.safety()), ...(await world.convergence())]).toEqual([]);
    expect(world.sessions.completed).toBeGreaterThan(3);
    expect(world.sessions.failed).toBeGreaterThan(3);
  },
);

describe('each invariant detects a planted bug', () => {
  /** Runs a world whose clients have a bug. */
  async function violations(
    bag: (code: string, client: number) => MemoryBag,
  ): Promise<Set<Violation['invariant']>> {
    const world = await new FossilWorld(FIRST).start(bag);
    for (let step = 0; step < 12; step++) await world.step();
    await world.heal().catch(() => undefined);
    return new Set(
      [...(await world.safety()), ...(await world.convergence())].map(({ invariant }) => invariant),
    );
  }

  it('contents: a client that changes its artifacts', async () => {
    class Careless extends MemoryBag {
      override async content(name: ArtifactName): Promise<Uint8Array> {
        const content = Buffer.from(await super.content(name));
        content[0] = (content[0] ?? 0) ^ 1;
        return content;
      }
    }
    expect(await violations((code) => new Careless(code))).toContain('contents');
  });

  it('acknowledged and artifacts: a client that never sends some of its artifacts', async () => {
    class Secretive extends MemoryBag {
      override *unclustered() {
        for (const artifact of super.unclustered()) if (!/^[0-7]/.test(artifact.name)) yield artifact;
      }
    }
    const found = await violations((code) => new Secretive(code));
    expect(found).toContain('acknowledged');
    expect(found).toContain('artifacts');
  });

  it('unversioned: a client that loses received files', async () => {
    class Forgetful extends MemoryBag {
      override take(received: Received): Promise<TakenArtifacts> {
        return super.take({ artifacts: received.artifacts });
      }
    }
    const found = await violations((code, client) =>
      client === 0 ? new Forgetful(code) : new MemoryBag(code),
    );
    expect(found).toContain('unversioned');
  });
});
