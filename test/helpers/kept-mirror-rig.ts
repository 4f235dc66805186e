/** Servers that keep mirrors over one store, and remotes that exist only here. */
import { CairnError } from '../../src/lib/errors.ts';
import { createRepository } from '../../src/maintenance/administer.ts';
import { KeptMirrors } from '../../src/mirror/kept/kept-mirrors.ts';
import { MirrorRecords } from '../../src/mirror/kept/mirror-records.ts';
import { MirrorRunner } from '../../src/mirror/kept/mirror-runner.ts';
import type {
  MirrorRemote,
  MirrorRunResult,
  PullOptions,
  PullRun,
  PushOptions,
  PushRun,
} from '../../src/mirror/kept/mirror-runs.ts';
import { type MirrorEnd, MirrorScheduler } from '../../src/mirror/kept/mirror-scheduler.ts';
import { SealedCredentials } from '../../src/mirror/kept/sealed-credentials.ts';
import { displayAddress } from '../../src/mirror/remote/remote-address.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { mirrorNamespace } from '../../src/policy/mirrored-refs.ts';
import type { GitState } from '../../src/repository/git/git-manifest.ts';
import type { GitRepository } from '../../src/repository/git/git-repository.ts';
import type { MirrorProgress } from '../../src/repository/records/mirrors-record.ts';
import type { Repositories } from '../../src/repository/repositories.ts';
import { formatRepositoryId, type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import { buildRepositories } from '../../src/server/open-repositories.ts';
import { FaultyStore } from './faulty-store.ts';
import { ManualClock } from './manual-clock.ts';
import { SeededRandom } from './seeded-random.ts';
import { OWNER } from './server.ts';

/** An object id that says which commit of a test it is. */
export function commit(number: number): string {
  return number.toString(16).padStart(40, '0');
}

/** A remote repository. Nobody looks into its objects. */
export class Remote {
  readonly address: string;
  readonly refs = new Map<string, string>();
  /** Every value that `refs/heads/main` has had, in order. */
  readonly history: string[] = [];
  /** Requests that were answered, or refused because it is down. */
  asked = 0;
  down = false;
  /** What the last request showed. */
  shown: MirrorRemote['credential'];
  /** Requests wait for it after they have listed the refs. */
  gate: Promise<void> = Promise.resolve();

  constructor(name: string) {
    this.address = `https://${name}.example.org/repository`;
  }

  set(name: string, oid: string | undefined): void {
    if (oid === undefined) this.refs.delete(name);
    else this.refs.set(name, oid);
    if (name === 'refs/heads/main' && oid !== undefined) this.history.push(oid);
  }

  /** Makes requests wait until the returned function is called. */
  close(): () => void {
    let open = (): void => undefined;
    this.gate = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  }
}

/** A server that keeps mirrors: all of it but git and the network. */
export class MirrorServer {
  readonly repositories: Repositories;
  readonly mirrorRecords: MirrorRecords;
  readonly kept: KeptMirrors;
  readonly scheduler: MirrorScheduler;
  readonly ends: MirrorEnd[] = [];
  readonly log: string[] = [];
  private readonly rig: MirrorRig;
  private dead = false;

  constructor(
    rig: MirrorRig,
    seed: number,
    options: { readonly concurrency?: number; readonly key?: string },
  ) {
    this.rig = rig;
    const { clock } = rig;
    const random = new SeededRandom(seed);
    const control = this.mortal(rig.store);
    const records = { control, clock, random };
    this.repositories = buildRepositories({
      stores: { control, bulk: control },
      clock,
      random,
      swapPatience: 1_000,
      onPublished: (id, manifest) => this.scheduler.published(id, manifest),
    }).repositories;
    this.mirrorRecords = new MirrorRecords(records);
    const seals = new SealedCredentials(options.key ?? '1'.repeat(64), random);
    const { repositories, mirrorRecords } = this;
    const log = createLogger('debug', { write: (line) => void this.log.push(line) });
    const runner = new MirrorRunner({
      ...records,
      repositories,
      mirrorRecords,
      seals,
      pull: this.pulls(),
      push: this.pushes(),
      holder: random.hex(8),
      onTrouble: (err) => log.warn({ err }, 'trouble'),
    });
    this.scheduler = new MirrorScheduler({
      ...records,
      mirrorRecords,
      runner,
      depthOf: async (id) => (await repositories.get(id).resolve())?.manifest.depth,
      log,
      observer: { ended: (_direction, end) => void this.ends.push(end) },
      concurrency: options.concurrency ?? 4,
    });
    this.kept = new KeptMirrors({
      ...records,
      seals,
      shortest: 1,
      ownUrls: (id) => [`https://here.example.org/git/${id.owner}/${id.identifier}`],
      checkSecrecy: (address) => {
        if (address.startsWith('http:')) throw new CairnError('invalid', 'https only');
      },
      checkHost: () => undefined,
      onChanged: (id) => this.scheduler.changed(id),
    });
  }

  get repository(): GitRepository {
    return this.repositories.get(this.rig.id);
  }

  /** Publishes a branch, as a push would. */
  async publish(oid: string, branch = 'refs/heads/main'): Promise<void> {
    await this.publishState((state) => ({ ...state, refs: new Map([...state.refs, [branch, oid]]) }));
  }

  async publishState(change: (state: GitState) => GitState): Promise<void> {
    await this.repository.publisher.join({
      since: 0,
      evaluate: async (current) => {
        if (current === undefined) throw new Error('no repository');
        const next = change(current);
        const refs = [...next.refs.keys()].filter((name) => next.refs.get(name) !== current.refs.get(name));
        return { next, cause: { kind: 'push', actor: null, evidence: null, refs }, result: undefined };
      },
    });
  }

  async progress(name: string): Promise<MirrorProgress> {
    const found = (await this.mirrorRecords.read(this.rig.id)).find((mirror) => mirror.name === name);
    if (found === undefined) throw new Error(`no mirror ${name}`);
    return found.progress;
  }

  /** Ends it as `kill -9` does: nothing that it has begun goes on, and nobody is told. */
  kill(): void {
    this.dead = true;
  }

  private mortal(store: ObjectStore): ObjectStore {
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => (this.dead ? NEVER : (value.apply(target, args) as unknown));
      },
    });
  }

  private async reach(remote: MirrorRemote, signal: AbortSignal): Promise<Remote> {
    const found = this.rig.remotes.get(displayAddress(remote.address));
    if (found === undefined) throw new CairnError('not-found', 'there is no such repository');
    found.asked++;
    found.shown = remote.credential;
    if (found.down) throw new CairnError('unavailable', 'down', { publicText: 'the remote does not answer' });
    signal.throwIfAborted();
    return found;
  }

  private async passGate({ gate }: Remote, signal: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    aborted.catch(() => undefined);
    await Promise.race([gate, aborted]);
    if (this.dead) await NEVER;
  }

  private pulls(): PullRun {
    return {
      run: async (repository, source, options, signal) => {
        const before = (await repository.resolve())?.manifest.refs;
        const remote = await this.reach(source, signal);
        const listed = new Map(remote.refs);
        await this.passGate(remote, signal);
        return pulled(repository, { before, listed }, options);
      },
    };
  }

  private pushes(): PushRun {
    return {
      run: async (repository, target, options, signal) => {
        const remote = await this.reach(target, signal);
        const listed = new Map(remote.refs);
        const published = await repository.resolve();
        await this.passGate(remote, signal);
        if (published === undefined) throw new Error('no repository');
        const changed = pushed(remote, listed, published.manifest.refs, options);
        return { changed, state: { digest: published.digest, depth: published.manifest.depth } };
      },
    };
  }
}

const NEVER = new Promise<never>(() => undefined);

/** A bucket, its clock, the servers over it, and the remotes. */
export class MirrorRig {
  readonly store = new FaultyStore(new MemoryObjectStore(), { sees: () => true });
  readonly clock = new ManualClock();
  readonly id: RepositoryId = repositoryId(OWNER, 'mirrored');
  readonly remotes = new Map<string, Remote>();
  private readonly servers: MirrorServer[] = [];

  /** Starts a server. */
  async server(
    options: { readonly concurrency?: number; readonly key?: string; readonly starts?: boolean } = {},
  ): Promise<MirrorServer> {
    const server = new MirrorServer(this, this.servers.length + 1, options);
    if (this.servers.length === 0) {
      const random = new SeededRandom(99);
      await createRepository(server.repository, { objectFormat: 'sha1', head: 'refs/heads/main', random });
    }
    this.servers.push(server);
    if (options.starts !== false) server.scheduler.start();
    await this.clock.settle();
    return server;
  }

  remote(name: string): Remote {
    const remote = new Remote(name);
    this.remotes.set(remote.address, remote);
    return remote;
  }

  get name(): string {
    return formatRepositoryId(this.id);
  }
}

/** Publishes what a source has listed. */
async function pulled(
  repository: GitRepository,
  {
    before,
    listed,
  }: { before: ReadonlyMap<string, string> | undefined; listed: ReadonlyMap<string, string> },
  { refs, name, forbids, actor }: PullOptions,
): Promise<MirrorRunResult> {
  const prefix = refs === 'follow' ? '' : mirrorNamespace(name);
  const wanted = new Map(
    [...listed].map(([ref, oid]) => [prefix + ref.replace(prefix === '' ? '' : 'refs/', ''), oid]),
  );
  const { result: changed } = await repository.publisher.join({
    since: repository.mark(),
    evaluate: async (current) => {
      if (current === undefined) throw new Error('no repository');
      const kept = [...current.refs].filter(([ref]) => prefix !== '' && !ref.startsWith(prefix));
      const next = { ...current, refs: new Map([...kept, ...wanted]) };
      const names = new Set([...current.refs.keys(), ...next.refs.keys()]);
      const differing = [...names].filter((ref) => current.refs.get(ref) !== next.refs.get(ref));
      for (const ref of differing) {
        const isOvertaken = current.refs.get(ref) !== before?.get(ref);
        const problem = isOvertaken ? 'it has changed meanwhile' : forbids(current, ref);
        if (problem !== undefined) throw new CairnError('conflict', problem);
      }
      const cause = { kind: 'mirror', actor, evidence: null, refs: differing } as const;
      return differing.length === 0 ? { result: 0 } : { next, cause, result: differing.length };
    },
  });
  const now = await repository.resolve();
  return {
    changed,
    state: now === undefined ? undefined : { digest: now.digest, depth: now.manifest.depth },
  };
}

/** Changes the refs of a target, as git does: from the value that was listed, or not at all. */
function pushed(
  remote: Remote,
  listed: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
  { prune, overwrite }: PushOptions,
): number {
  const names = new Set([...wanted.keys(), ...(prune ? listed.keys() : [])]);
  const differing = [...names].filter((ref) => wanted.get(ref) !== listed.get(ref));
  if (!overwrite && differing.some((ref) => !wanted.has(ref))) {
    throw new CairnError('forbidden', 'the target would lose refs');
  }
  if (differing.some((ref) => remote.refs.get(ref) !== listed.get(ref))) {
    throw new CairnError('conflict', 'somebody else has pushed to the target meanwhile');
  }
  for (const ref of differing) remote.set(ref, wanted.get(ref));
  return differing.length;
}
