/**
 * Several servers publish to one repository through a store that loses, delays and refuses, and crash now and then.
 * Whatever the order of events: one chain, no lost update, every answer true, never a ref with missing objects.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ReceivedCommand, zeroId } from '../../src/git/index.ts';
import type { Digest } from '../../src/lib/digest.ts';
import { sha256 } from '../../src/lib/digest.ts';
import { CairnError, messageOf } from '../../src/lib/errors.ts';
import { readAll } from '../../src/lib/streams.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { ArtifactStore } from '../../src/repository/artifact-store.ts';
import type { Change } from '../../src/repository/change.ts';
import {
  emptyState,
  type GitManifest,
  isClosed,
  type PackEntry,
  type PublishedGitState,
} from '../../src/repository/git/git-manifest.ts';
import { decodeManifest } from '../../src/repository/git/git-manifest-codec.ts';
import type { GitRepository } from '../../src/repository/git/git-repository.ts';
import { artifactKey, pointerKey } from '../../src/repository/keys.ts';
import { UnknownOutcomeError } from '../../src/repository/publisher.ts';
import { buildRepositories } from '../../src/server/open-repositories.ts';
import { PushChange, type PushOutcome } from '../../src/transfer/push/change.ts';
import { type Behaviour, FaultyStore, type StoreCall } from '../helpers/faulty-store.ts';
import { rulesFor } from '../helpers/push-rules.ts';
import { ID } from '../helpers/repository-rig.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { faultsOf, type History, type PointerWrite, type PushRecord } from './simulated-history.ts';
import { commitFacts, Fold, newTips, Objects } from './simulated-push.ts';
import { DistantStore, World } from './simulated-world.ts';

// Work that has gone on for some milliseconds gives others a turn, and on a busy machine that comes anywhere: by a clock that
// stands still it never does, so that one seed is one history.
beforeAll(() => {
  vi.spyOn(performance, 'now').mockReturnValue(0);
});
afterAll(() => {
  vi.restoreAllMocks();
});

/** A push that leaves its actor in the manifest, so that what became of it can be found there. */
function namedAfter(actor: string, change: PushChange): Change<GitManifest, PushOutcome> {
  return {
    since: change.since,
    evaluate: async (state, base) => {
      const evaluation = await change.evaluate(state, base);
      const { cause } = evaluation;
      return cause === undefined ? evaluation : { ...evaluation, cause: { ...cause, actor } };
    },
  };
}

/** How likely each thing goes wrong with a request; a world draws how bad it is. */
interface Weather {
  readonly name: string;
  readonly pointer: number;
  readonly others: number;
  readonly crash: number;
  /** How likely a request finds that from now on, for longer than anybody's patience, nobody can read. */
  readonly outage: number;
}

const WEATHERS: readonly Weather[] = [
  { name: 'calm', pointer: 0, others: 0, crash: 0, outage: 0 },
  { name: 'lossy', pointer: 0.3, others: 0.05, crash: 0, outage: 0.002 },
  { name: 'crashing', pointer: 0.1, others: 0.02, crash: 0.05, outage: 0 },
  { name: 'stormy', pointer: 0.6, others: 0.2, crash: 0.03, outage: 0.004 },
];

const PUT_FAULTS: readonly Behaviour['does'][] = [
  'lose-reply-applied',
  'lose-reply-not-applied',
  'apply-late',
  'conflict',
  'refuse-after-applying',
  'unavailable',
  'throttle',
];
const READ_FAULTS: readonly Behaviour['does'][] = ['unavailable', 'break-body'];

const BRANCHES = ['main', 'a', 'b', 'c', 'd'].map((name) => `refs/heads/${name}`);
const PUSHES = 60;
const CLIENTS = 6;
const SERVERS = 3;
const PATIENCE_MS = 3_000;
const zero = zeroId('sha1');

/** One server: what of it lives in memory, until it crashes. */
class Server {
  readonly repository: GitRepository;
  readonly artifacts: ArtifactStore;
  private readonly store: DistantStore;

  constructor(world: World, shared: FaultyStore) {
    this.store = new DistantStore(world, shared);
    const clock = world.clock();
    const { random } = world;
    const { artifacts, repositories } = buildRepositories({
      stores: { control: this.store, bulk: this.store },
      clock,
      random,
      swapPatience: PATIENCE_MS,
    });
    this.artifacts = artifacts;
    this.repository = repositories.get(ID);
  }

  crash(): void {
    this.store.crash();
  }
}

class Simulation {
  readonly pushes: PushRecord[] = [];
  readonly writes: PointerWrite[] = [];
  readonly objects = new Objects();
  readonly world: World;
  private readonly random: SeededRandom;
  private readonly weather: Weather;
  private readonly bucket: MemoryObjectStore;
  private readonly store: FaultyStore;
  private servers: Server[];
  private readonly watchers = new Set<{ readonly server: Server; readonly cut: () => void }>();
  private made = 0;
  private finished = 0;
  private calm = false;
  private darkUntil = 0;

  constructor(seed: number, weather: Weather) {
    this.random = new SeededRandom(seed);
    this.weather = weather;
    this.world = new World(this.random);
    this.bucket = new MemoryObjectStore({ random: this.random });
    this.recordPointerWrites();
    this.store = new FaultyStore(this.bucket);
    this.store.rules.push((call) => this.faultFor(call));
    this.servers = Array.from({ length: SERVERS }, () => new Server(this.world, this.store));
  }

  /** Lets every client push until enough was pushed, then waits for the last answers. */
  async run(): Promise<History> {
    const clients = Array.from({ length: CLIENTS }, () => this.client());
    const folder = this.folder();
    let over = 0;
    for (const task of [...clients, folder]) void task.then(() => over++);
    await this.world.run(() => {
      if (!this.calm && this.random.fraction() < this.weather.crash / 10) this.crashOne();
      return over === CLIENTS + 1;
    });
    this.calm = true;
    await this.store.applyLate();
    return {
      writes: this.writes,
      pushes: this.pushes,
      objects: this.objects,
      manifests: await this.manifests(),
    };
  }

  private async client(): Promise<void> {
    while (this.made < PUSHES) await this.push(this.made++);
  }

  private async push(number: number): Promise<void> {
    const { random } = this;
    const showing = random.pick(this.servers);
    const shown = await this.unlessItCrashes(showing, async () => {
      return await showing.repository.resolve().catch(() => undefined);
    });
    const actor = sha256(`pusher ${number}`);
    const commands = this.commandsFor(number, shown);
    const record: PushRecord = {
      actor,
      commands,
      atomic: random.below(3) === 0,
      began: this.world.step,
      ended: undefined,
      told: { told: 'nothing', why: 'its server crashed' },
    };
    this.pushes.push(record);
    // A load balancer sends it anywhere.
    const taking = random.pick(this.servers);
    await this.unlessItCrashes(taking, () => this.takeIn(taking, record, number));
    this.finished++;
  }

  /** What a server answers, or undefined when it crashes before it does. */
  private async unlessItCrashes<T>(server: Server, ask: () => Promise<T>): Promise<T | undefined> {
    let cut: () => void = () => undefined;
    const crashed = new Promise<undefined>((resolve) => {
      cut = () => resolve(undefined);
    });
    const watcher = { server, cut };
    this.watchers.add(watcher);
    const answer = await Promise.race([ask(), crashed]);
    this.watchers.delete(watcher);
    return answer;
  }

  private crashOne(): void {
    const victim = this.random.pick(this.servers);
    victim.crash();
    this.servers = this.servers.map((server) =>
      server === victim ? new Server(this.world, this.store) : server,
    );
    for (const watcher of this.watchers) {
      if (watcher.server === victim) watcher.cut();
    }
  }

  /** What a server does with a push: its state, its proof, its artifacts, then the publisher. */
  private async takeIn({ repository, artifacts }: Server, record: PushRecord, number: number): Promise<void> {
    try {
      const since = repository.mark();
      const state = await (this.random.below(2) === 0 ? repository.known() : repository.resolve());
      const tips = newTips(record.commands);
      const brought = this.objects.pack(String(number), tips);
      const entry = await this.storePack(artifacts, brought);
      const over = [...(state?.manifest.packs ?? []), entry];
      const linked = this.objects.isLinked(entry.pack.digest, over);
      // Where all is linked nobody walks, unless it is for nothing.
      const walked =
        !linked || !isClosed({ packs: state?.manifest.packs ?? [] }) || this.random.below(4) === 0;
      const disconnected = walked ? this.objects.incomplete(tips, over) : new Set<string>();
      const change = namedAfter(
        record.actor,
        new PushChange({
          commands: record.commands,
          disconnected: {
            tips: disconnected,
            problem: { class: 'object', reason: 'missing necessary objects' },
          },
          atomic: record.atomic,
          rules: rulesFor({ kind: 'anyone' }),
          objects: commitFacts(tips),
          pack: tips.length === 0 ? undefined : entry,
          proof: {
            packs: new Set(state?.manifest.packs.map(({ pack }) => pack.digest)),
            incarnation: state?.manifest.incarnation,
            epoch: state?.manifest.epoch,
            walked,
            linked,
          },
          since,
          initial: state?.manifest ?? emptyState(ID.identifier, 'sha1', this.random.hex(16)),
          proveAgain: async (base, again) => ({
            disconnected: this.objects.incomplete(again, [...(base?.manifest.packs ?? []), entry]),
            objects: new Map(),
          }),
        }),
      );
      if (this.random.below(2) === 0) await repository.publisher.prepare(change);
      const { result } = await repository.publisher.join(change);
      record.told = { told: 'report', reasons: result.result.map((refusal) => refusal?.reason) };
    } catch (error) {
      // Only an error of Cairn's own has a kind and words for a person; anything else is a fault.
      if (!(error instanceof CairnError)) throw error;
      const told = error instanceof UnknownOutcomeError ? 'unknown' : 'failed';
      record.told = { told, why: messageOf(error) };
    }
    record.ended = this.world.step;
  }

  private async storePack(
    artifacts: ArtifactStore,
    { bytes, digest }: { readonly bytes: Buffer; readonly digest: string },
  ): Promise<PackEntry> {
    const pack = await artifacts.put(ID, 'pack', digest, bytes);
    return { kind: 'push', objects: 1, pack, idx: pack };
  }

  /** Between one and three changes of different branches, by what the client was shown; now and then by older news. */
  private commandsFor(number: number, shown: PublishedGitState | undefined): ReceivedCommand[] {
    const { random } = this;
    const refs = shown?.manifest.refs ?? new Map<string, string>();
    const names = new Set(Array.from({ length: 1 + random.below(3) }, () => random.pick(BRANCHES)));
    return [...names].map((name) => {
      const old = refs.get(name);
      if (old !== undefined && name !== shown?.manifest.head && random.below(4) === 0) {
        return { name, oldId: old, newId: zero };
      }
      const parents = [...refs.values()];
      const parent = parents.length > 0 && random.below(3) > 0 ? random.pick(parents) : undefined;
      const reused = parent !== undefined && parent !== old && random.below(5) === 0;
      const newId = reused ? parent : this.objects.make(`${number} ${name}`, parent);
      return { name, oldId: old ?? zero, newId };
    });
  }

  /** Folds again and again, as upkeep would, while pushes go on. */
  private async folder(): Promise<void> {
    for (let turn = 0; this.finished < PUSHES && turn < 20; turn++) {
      const server = this.random.pick(this.servers);
      await this.unlessItCrashes(server, () => this.fold(server, turn));
      for (let pause = 0; pause < 30; pause++) await this.world.gate();
    }
  }

  private async fold(server: Server, turn: number): Promise<void> {
    const actor = sha256(`fold ${turn}`);
    try {
      const planned = await server.repository.resolve();
      if (planned === undefined || planned.manifest.packs.length < 3) return;
      const reached = [...planned.manifest.refs.values()].flatMap((tip) => this.objects.closure(tip));
      const entry = await this.storePack(server.artifacts, this.objects.pack(`fold ${turn}`, reached));
      await server.repository.publisher.join(
        new Fold(this.objects, planned, { ...entry, kind: 'fold' }, actor),
      );
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
    }
  }

  private faultFor(call: StoreCall): Behaviour | undefined {
    if (this.calm) return undefined;
    const isPointer = call.key === pointerKey(ID);
    if (this.random.fraction() < this.weather.outage) this.darkUntil = this.world.elapsed + 2 * PATIENCE_MS;
    if (this.world.elapsed < this.darkUntil && call.operation === 'get') return { does: 'unavailable' };
    if (this.random.fraction() >= (isPointer ? this.weather.pointer : this.weather.others)) return undefined;
    const does = this.random.pick(call.operation === 'put' ? PUT_FAULTS : READ_FAULTS);
    if (does === 'apply-late') return { does, after: 1 + this.random.below(40) };
    if (does === 'break-body' && call.operation !== 'get') return { does: 'unavailable' };
    return { does } as Behaviour;
  }

  /** Notes every write of the pointer at the moment it happens. */
  private recordPointerWrites(): void {
    const put = this.bucket.put.bind(this.bucket);
    this.bucket.put = async (key, body, mode, options) => {
      const outcome = await put(key, body, mode, options);
      if (key === pointerKey(ID) && outcome.outcome === 'written') {
        this.writes.push({ step: this.world.step, digest: Buffer.from(body as Uint8Array).toString() });
      }
      return outcome;
    };
  }

  private async manifests(): Promise<Map<Digest, GitManifest>> {
    const found = new Map<Digest, GitManifest>();
    for (const { digest } of this.writes) {
      const stored = await this.bucket.get(artifactKey(ID, { digest, kind: 'json' }));
      if (!stored.found) continue;
      const bytes = await readAll(stored.body, 2 ** 30);
      if (sha256(bytes) === digest) found.set(digest, decodeManifest(bytes, digest));
    }
    return found;
  }
}

/** More seeds for a long run: the number of worlds for each weather. */
const WORLDS = Number(process.env['CAIRN_TEST_WORLDS'] ?? 12);

describe.each(WEATHERS)('servers over a store with the faults "$name"', (weather) => {
  it(`lose nothing that ${CLIENTS} clients push through ${SERVERS} servers, in ${WORLDS} worlds`, {
    timeout: 60_000 + WORLDS * 2_000,
  }, async () => {
    const told = new Map<string, number>();
    let steps = 0;
    let writes = 0;
    for (let seed = 1; seed <= WORLDS; seed++) {
      const simulation = new Simulation(seed, weather);
      const history = await simulation.run();
      expect(faultsOf(history), `seed ${seed}`).toEqual([]);
      steps += simulation.world.step;
      writes += history.writes.length;
      for (const push of history.pushes) told.set(push.told.told, (told.get(push.told.told) ?? 0) + 1);
    }
    // The weather is what it says: otherwise nothing was tried.
    expect(steps).toBeGreaterThan(WORLDS * 500);
    expect(writes).toBeGreaterThan(WORLDS * 5);
    expect(told.get('report')).toBeGreaterThan(WORLDS * 10);
    if (weather.name === 'calm') expect([...told.keys()]).toEqual(['report']);
    if (weather.name === 'stormy') expect(told.get('unknown')).toBeGreaterThan(0);
    if (weather.crash > 0) expect(told.get('nothing')).toBeGreaterThan(0);
  });
});

describe('the same seed', () => {
  it('has the same history', async () => {
    const weather = WEATHERS.at(-1);
    if (weather === undefined) throw new Error('no weather');
    const runs = [new Simulation(99, weather), new Simulation(99, weather)];
    const [first, second] = await Promise.all(runs.map((run) => run.run()));
    expect(first?.writes).toEqual(second?.writes);
    expect(first?.pushes).toEqual(second?.pushes);
  });
});
