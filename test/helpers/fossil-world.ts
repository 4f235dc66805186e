/** Fossil clients and servers over one store and a bad network, driven by a seed. Server, publisher and client are those of production. */
import { type ArtifactName, isNameOf, nameOf } from '../../src/fossil/artifact-name.ts';
import { catalogueHash } from '../../src/fossil/unversioned.ts';
import { clone } from '../../src/fossil-sync/client/clone.ts';
import type { HeldArtifacts } from '../../src/fossil-sync/client/local-bag.ts';
import { MemoryBag, MemoryCloneTarget } from '../../src/fossil-sync/client/memory-bag.ts';
import { sync } from '../../src/fossil-sync/client/sync.ts';
import type { SyncOptions } from '../../src/fossil-sync/client/sync-options.ts';
import { InProcessTransport } from '../../src/fossil-sync/in-process-transport.ts';
import { serveExchange } from '../../src/fossil-sync/server/exchange.ts';
import type { Transport } from '../../src/fossil-sync/transport.ts';
import { isCairnError } from '../../src/lib/errors.ts';
import type {
  ReceivedArtifact,
  ReceivedUnversioned,
} from '../../src/repository/fossil/prepared-artifacts.ts';
import { fossilHost, PASSWORD } from './fossil-host.ts';
import { checkIn, delta, FossilRig, lines, whole } from './fossil-rig.ts';
import { LossyNetwork } from './lossy-network.ts';
import { SeededFaults } from './seeded-faults.ts';
import { SeededRandom } from './seeded-random.ts';

const CLIENTS = 3;
const SERVERS = 2;
/** Steps in which what has not happened by chance must happen. */
const MOST_FURTHER_STEPS = 20;
const CRASH = 'the client crashed';

/** What is wrong with a side, found by an invariant. */
export interface Violation {
  readonly invariant: 'contents' | 'acknowledged' | 'artifacts' | 'unversioned';
  readonly side: string;
  readonly detail: string;
}

interface Side {
  readonly name: string;
  readonly held: HeldArtifacts;
}

export class FossilWorld {
  readonly faults: SeededFaults;
  readonly network: LossyNetwork;
  /** Sessions that were completed, and those that were not. */
  readonly sessions = { completed: 0, failed: 0, crashed: 0 };
  /** Decides what happens; nothing that runs draws from it, so that a seed means the same each time. */
  private readonly random: SeededRandom;
  private readonly comments: SeededRandom;
  private readonly bags: MemoryBag[] = [];
  private readonly made: ReceivedArtifact[] = [];
  private readonly acknowledged = new Set<ArtifactName>();
  private rigs: FossilRig[] = [];
  private servers: Transport[] = [];
  private code = '';
  private steps = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.comments = new SeededRandom(seed + 2);
    this.faults = new SeededFaults(seed);
    const current = Array.from({ length: SERVERS }, (_, at) => () => this.servers[at] ?? this.newServer(at));
    this.network = new LossyNetwork(current, new SeededRandom(seed + 1));
  }

  /** @param bag makes the bags of clients; another one plants a bug */
  async start(
    bag: (code: string, client: number) => MemoryBag = (code) => new MemoryBag(code),
  ): Promise<this> {
    const first = await new FossilRig().create();
    this.rigs = [first];
    for (let at = 0; at < SERVERS; at++) this.newServer(at);
    this.code = (await first.bag()).state.projectCode;
    for (let at = 0; at < CLIENTS; at++) this.bags.push(bag(this.code, at));
    return this;
  }

  /** Somebody makes something, and one or two clients synchronize; or a server crashes; or somebody clones. */
  async step(): Promise<void> {
    this.steps++;
    const { random } = this;
    const [first = 0, second = 0] = [random.below(CLIENTS), random.below(CLIENTS)];
    await this.make(first);
    if (random.below(8) === 0) this.newServer(random.below(SERVERS));
    if (random.below(6) === 0) await this.clone();
    await Promise.all([...new Set([first, second])].map((client) => this.session(client)));
  }

  /** Goes on until every fault has fired and every fate has befallen a message, so that each seed has all of them. */
  async complete(): Promise<void> {
    this.faults.insists = true;
    this.network.insists = true;
    for (let step = 0; step < MOST_FURTHER_STEPS && this.silent().length > 0; step++) {
      await this.step();
      await this.clone();
    }
  }

  /** The faults that have not fired, and the fates that have not befallen any message. */
  silent(): readonly string[] {
    return [...this.faults.silent(), ...this.network.silent()];
  }

  /** Ends all faults and lets everybody synchronize until nothing changes. */
  async heal(): Promise<void> {
    this.faults.enabled = false;
    this.network.enabled = false;
    for (let pass = 0; pass < 3; pass++) {
      for (const bag of this.bags) await sync(bag, this.network, { ...this.options(), faults: this.faults });
    }
  }

  /** What must hold at any time. */
  async safety(): Promise<Violation[]> {
    const violations: Violation[] = [];
    for (const { name: side, held } of await this.sides()) {
      for (let ordinal = 0; ordinal < held.count; ordinal++) {
        const { name } = held.at(ordinal);
        if (!isNameOf(name, await held.content(name)))
          violations.push({ invariant: 'contents', side, detail: name });
      }
    }
    const [server] = await this.sides();
    for (const name of this.acknowledged) {
      if (server?.held.find(name) === undefined)
        violations.push({ invariant: 'acknowledged', side: 'server', detail: name });
    }
    return violations;
  }

  /** What must hold after healing: everybody has everything. */
  async convergence(): Promise<Violation[]> {
    const violations: Violation[] = [];
    const sides = await this.sides();
    const all = new Set(this.made.map(({ name }) => name));
    const hashes = new Set<string>();
    for (const { name: side, held } of sides) {
      const missing = [...all].filter((name) => held.find(name) === undefined);
      if (missing.length > 0) {
        violations.push({ invariant: 'artifacts', side, detail: `${missing.length} missing: ${missing[0]}` });
      }
      hashes.add(catalogueHash((await held.unversioned()).values()));
    }
    if (hashes.size > 1)
      violations.push({ invariant: 'unversioned', side: 'all', detail: [...hashes].join(' ') });
    return violations;
  }

  private async sides(): Promise<Side[]> {
    // A server that has seen nothing yet reads what is in the store.
    const server = await new FossilRig({ store: this.rig(0).store, seed: 99 }).bag();
    return [
      { name: 'server', held: server },
      ...this.bags.map((held, at) => ({ name: `client ${at}`, held })),
    ];
  }

  private rig(at: number): FossilRig {
    const rig = this.rigs[at];
    if (rig === undefined) throw new RangeError(`no server ${at}`);
    return rig;
  }

  /** A server that begins anew over the same store: what was under way in the old one ends without an answer. */
  private newServer(at: number): Transport {
    const rig = this.rig(0).another(100 + this.steps * SERVERS + at);
    const host = fossilHost(rig.repository, {
      clock: rig.clock,
      faults: this.faults,
      limits: { replyBytes: 4_000 },
    });
    const transport = new InProcessTransport((request, signal) => serveExchange(host, request, signal));
    this.servers[at] = transport;
    return transport;
  }

  private options(): SyncOptions {
    return {
      account: { user: 'alice', password: PASSWORD },
      unversioned: true,
      privateArtifacts: true,
      clock: this.rig(0).clock,
      random: this.comments,
      faults: this.faults,
      limits: { sendBytes: 2_000, retries: 1, rounds: 80 },
    };
  }

  /** New artifacts and unversioned files of one client. */
  private async make(client: number): Promise<void> {
    const { random } = this;
    const bag = this.bags[client];
    if (bag === undefined) return;
    const base = whole(lines(random.below(1_000_000), 20));
    const next = whole(`${lines(random.below(1_000_000), 2)}${base.payload}`);
    const artifacts = [
      checkIn(`step ${this.steps} of client ${client}`),
      base,
      // Sometimes the source of a delta comes with it.
      random.below(2) === 0 ? next : delta(base, next),
      ...(random.below(4) === 0 ? [{ ...whole(`private ${this.steps}`), isPrivate: true }] : []),
    ];
    this.made.push(...artifacts);
    await bag.take({ artifacts, unversioned: [this.file()] });
  }

  private file(): ReceivedUnversioned {
    const name = `file${this.random.below(4)}`;
    // Two changes of one second are frequent.
    const time = 1_700_000_000 + Math.floor(this.steps / 2);
    if (this.random.below(4) === 0) return { name, time, hash: undefined, size: 0 };
    const content = Buffer.from(`content ${this.random.below(1_000)}`);
    return { name, time, hash: nameOf(content, 'sha3-256'), size: content.length, content };
  }

  private async session(client: number): Promise<void> {
    const bag = this.bags[client];
    if (bag === undefined) return;
    const held = Array.from({ length: bag.count }, (_, at) => bag.at(at));
    const skipped = () => this.faults.fired.get('client.skip-private-igot');
    const skippedBefore = skipped();
    const crash = new AbortController();
    const crashes = this.random.below(8) === 0 ? 1 + this.random.below(3) : 0;
    const progress = ({ round }: { round: number }) => {
      if (round === crashes) crash.abort(new Error(CRASH));
    };
    try {
      await sync(bag, this.network, { ...this.options(), progress, signal: crash.signal });
      this.sessions.completed++;
      // A private artifact that was not announced waits for the next session.
      const isWhole = skipped() === skippedBefore;
      for (const { name, isPrivate } of held) if (isWhole || !isPrivate) this.acknowledged.add(name);
    } catch (error) {
      if (isCairnError(error)) this.sessions.failed++;
      else if (error instanceof Error && error.message === CRASH) this.sessions.crashed++;
      else throw error;
    }
  }

  private async clone(): Promise<void> {
    const target = new MemoryCloneTarget();
    try {
      await clone(target, this.network, this.options());
    } catch (error) {
      if (!isCairnError(error)) throw error;
      if (target.bag !== undefined) throw new Error('a clone that failed was committed');
      return;
    }
    if (target.bag === undefined) throw new Error('a clone that succeeded was not committed');
  }
}
