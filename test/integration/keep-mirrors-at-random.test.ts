/** Mirrors while servers are killed, answers are lost and remotes stall: nothing is lost, nothing goes back (issue 13, point 4). */
import { expect, it } from 'vitest';
import { commit, MirrorRig, type MirrorServer, type Remote } from '../helpers/kept-mirror-rig.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { testSeed } from '../helpers/test-seed.ts';

const MAIN = 'refs/heads/main';
const HOUR = 3_600;
const STEPS = 40;
const FIRST = testSeed();

class World {
  readonly rig = new MirrorRig();
  readonly source: Remote = this.rig.remote('source');
  readonly target: Remote = this.rig.remote('target');
  readonly servers: MirrorServer[] = [];
  private readonly random: SeededRandom;
  private readonly open: (() => void)[] = [];
  private commits = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  async begin(): Promise<void> {
    for (let number = 0; number < 3; number++) this.servers.push(await this.rig.server());
    const [server] = this.servers;
    if (server === undefined) throw new Error('there are servers');
    this.goOn();
    const { source, target } = this;
    const pull = { name: 'up', direction: 'pull', refs: 'follow', address: source.address, every: 60 };
    const push = { name: 'down', direction: 'push', address: target.address, every: 120 };
    await server.kept.add(server.repository, pull, null);
    await server.kept.add(server.repository, push, null);
  }

  goOn(): void {
    this.source.set(MAIN, commit(++this.commits));
  }

  get latest(): string {
    return commit(this.commits);
  }

  async step(): Promise<void> {
    const { random, rig } = this;
    await random.pick([
      async () => this.goOn(),
      async () => this.goOn(),
      async () => rig.clock.advance(1 + random.below(30)),
      async () => rig.clock.advance(1 + random.below(200)),
      async () => this.kill(),
      async () => {
        this.target.down = !this.target.down;
      },
      async () => this.stall(random.pick([this.source, this.target])),
      async () => this.open.pop()?.(),
      async () => rig.store.next(({ operation }) => operation === 'put', { does: 'lose-reply-applied' }),
      async () => rig.store.next(({ operation }) => operation === 'get', { does: 'unavailable' }),
    ])();
  }

  /** What was begun while it stalled ends, and all that has to be done is done. */
  async heal(): Promise<void> {
    this.rig.store.reset();
    this.target.down = false;
    for (const open of this.open) open();
    for (const remote of [this.source, this.target]) remote.gate = Promise.resolve();
    await this.rig.clock.advance(1.5 * HOUR);
  }

  async end(): Promise<void> {
    for (const server of this.servers) await server.scheduler.close();
  }

  private async kill(): Promise<void> {
    this.servers.push(await this.rig.server());
    this.servers.shift()?.kill();
  }

  private stall(remote: Remote): void {
    this.open.push(remote.close());
  }
}

/** Every value that a branch has had in the published states, newest first. */
async function published({ repository }: MirrorServer): Promise<string[]> {
  const values: string[] = [];
  let manifest = (await repository.resolve())?.manifest;
  while (manifest !== undefined) {
    const value = manifest.refs.get(MAIN);
    if (value !== undefined && value !== values.at(-1)) values.push(value);
    manifest = manifest.parent === null ? undefined : await repository.manifest(manifest.parent);
  }
  return values;
}

it.each(Array.from({ length: 3 }, (_, at) => FIRST + at))(
  'ends in step, and never goes back on the way: seed %i',
  async (seed) => {
    const world = new World(seed);
    await world.begin();
    for (let step = 0; step < STEPS; step++) await world.step();
    await world.heal();
    const server = world.servers[0];
    if (server === undefined) throw new Error('there are servers');
    const values = await published(server);
    expect(values[0]).toBe(world.latest);
    // Commits are numbered, so values in order of their text are in order of time.
    expect(values).toEqual([...new Set(values)].sort().reverse());
    expect(world.target.history.at(-1)).toBe(world.latest);
    expect(world.target.history).toEqual([...new Set(world.target.history)].sort());
    expect(await server.kept.list(server.repository)).toMatchObject([
      { condition: 'current' },
      { condition: 'current' },
    ]);
    await world.end();
  },
);
