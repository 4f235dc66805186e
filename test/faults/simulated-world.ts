/**
 * A world of its own: one object store, servers that come and go, and a scheduler that decides by its random whose
 * request travels next, whose answer arrives, and when time passes. Nothing in it waits for anything real, so one seed
 * is one history.
 */
import type { Clock } from '../../src/lib/clock.ts';
import type {
  GetOptions,
  GetResult,
  HeadResult,
  ListedObject,
  ObjectBody,
  ObjectStore,
  PutMode,
  PutOutcome,
} from '../../src/object-store/object-store.ts';
import type { SeededRandom } from '../helpers/seeded-random.ts';

interface Gate {
  readonly open: () => void;
}

/** Longest time that passes between two events, in milliseconds. */
const LONGEST_LULL = 50;

export class World {
  readonly random: SeededRandom;
  /** Counts events; the only time that orders them. */
  step = 0;
  private readonly gates: Gate[] = [];
  private sleepers: { readonly due: number; readonly wake: () => void }[] = [];
  private passed = 0;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  /** Milliseconds since the world began. */
  get elapsed(): number {
    return this.passed;
  }

  /** Waits until the scheduler lets this go on. */
  gate(): Promise<void> {
    return new Promise((open) => this.gates.push({ open }));
  }

  /** A clock of one server; clocks differ by up to a minute. */
  clock(): Clock {
    const epoch = Date.UTC(2030, 0, 1) + this.random.below(60_000);
    return {
      now: () => epoch + this.passed,
      monotonic: () => this.passed,
      sleep: (milliseconds) =>
        new Promise((wake) => this.sleepers.push({ due: this.passed + milliseconds, wake })),
    };
  }

  /** Lets things happen, one at a time, until `done` or until nothing can happen any more. */
  async run(done: () => boolean): Promise<void> {
    for (;;) {
      // Everything that follows from the last event by itself has happened when this returns.
      await new Promise(setImmediate);
      if (done()) return;
      this.step++;
      if (!this.happen()) throw new Error(`the world stands still at step ${this.step}`);
    }
  }

  private happen(): boolean {
    const { random } = this;
    const sleepy = this.sleepers.length > 0 && (this.gates.length === 0 || random.below(8) === 0);
    if (!sleepy) {
      const [gate] = this.gates.splice(random.below(this.gates.length), 1);
      gate?.open();
      this.passed += random.fraction() < 0.1 ? random.below(LONGEST_LULL) : 0;
      return gate !== undefined;
    }
    const next = Math.min(...this.sleepers.map(({ due }) => due));
    this.passed = Math.max(this.passed, next);
    const awake = this.sleepers.filter(({ due }) => due <= this.passed);
    this.sleepers = this.sleepers.filter(({ due }) => due > this.passed);
    for (const { wake } of awake) wake();
    return true;
  }
}

/** The store as one server reaches it: over a network, until the server crashes. */
export class DistantStore implements ObjectStore {
  private readonly world: World;
  private readonly store: ObjectStore;
  private crashed = false;

  constructor(world: World, store: ObjectStore) {
    this.world = world;
    this.store = store;
  }

  /** From now on nothing is answered. What was sent before may still arrive. */
  crash(): void {
    this.crashed = true;
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.travel(() => this.store.get(key, options));
  }

  head(key: string): Promise<HeadResult> {
    return this.travel(() => this.store.head(key));
  }

  put(key: string, body: ObjectBody, mode: PutMode): Promise<PutOutcome> {
    return this.travel(() => this.store.put(key, body, mode));
  }

  delete(key: string): Promise<void> {
    return this.travel(() => this.store.delete(key));
  }

  list(): AsyncIterable<ListedObject> {
    throw new Error('nothing lists on a request path');
  }

  async close(): Promise<void> {
    // Nothing is held open.
  }

  private async travel<T>(request: () => Promise<T>): Promise<T> {
    if (this.crashed) await forever();
    await this.world.gate();
    // A request on its way when its server crashed may arrive or not.
    if (this.crashed && this.world.random.fraction() < 0.5) await forever();
    const answer = await request().then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    await this.world.gate();
    if (this.crashed) await forever();
    return answer();
  }
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}
