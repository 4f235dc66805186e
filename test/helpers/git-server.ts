import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Hono } from 'hono';
import { Git } from '../../src/git-process/git.ts';
import { ConnectionMemory } from '../../src/http/clients/connection-memory.ts';
import { HttpServer } from '../../src/http/server.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { ClosingStack } from '../../src/lib/closing-stack.ts';
import { FairSlots } from '../../src/lib/fair-slots.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createVerifier } from '../../src/nostr/verify.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import type { AccessMode } from '../../src/policy/push-entry.ts';
import type { HeldState } from '../../src/policy/state-match.ts';
import { emptyState, type GitState, type PublishedGitState } from '../../src/repository/git/git-manifest.ts';
import { HeightMemory } from '../../src/repository/intake/heights/height-memory.ts';
import type { Repositories } from '../../src/repository/repositories.ts';
import type { RepositoryId } from '../../src/repository/repository-id.ts';
import { openRepositories } from '../../src/server/open-repositories.ts';
import { FairSemaphore } from '../../src/transfer/fair-semaphore.ts';
import { Advertiser } from '../../src/transfer/fetch/advertise-refs.ts';
import { ResponseCache } from '../../src/transfer/fetch/response-cache.ts';
import { fetchRequestMemory } from '../../src/transfer/fetch/upload-post.ts';
import type { HeldStateBook } from '../../src/transfer/push/authority.ts';
import { headMemory } from '../../src/transfer/push/head.ts';
import type { StrangerLimits } from '../../src/transfer/push/stranger-limits.ts';
import { boundedPushes } from '../../src/transfer/push/stranger-push.ts';
import { SpoolRoom } from '../../src/transfer/spool.ts';
import type { FaultyStore } from './faulty-store.ts';
import { HTTP_LIMITS } from './http-limits.ts';
import { learnOnce } from './server.ts';
import { tempDir } from './temp-dir.ts';

/** Signed states as a test puts them there. Asking for them costs a request, as it does where they are kept. */
export class TestStateBook implements HeldStateBook {
  readonly states: HeldState[] = [];
  readonly carried: HeldState[] = [];
  readonly tips = new Map<string, string>();
  /** What the signed state carried out last has set. */
  lastSet: ReadonlyMap<string, string> = new Map();
  private readonly store: FaultyStore;

  constructor(store: FaultyStore) {
    this.store = store;
  }

  async heldIn(): Promise<readonly HeldState[]> {
    await this.store.get('held-states');
    return [...this.states];
  }

  async removeApplied(_id: RepositoryId, held: HeldState): Promise<void> {
    this.carried.push(held);
    this.states.splice(this.states.indexOf(held), 1);
  }

  async refsOf(): Promise<ReadonlyMap<string, string>> {
    return this.lastSet;
  }

  pullRequestTip(eventId: string): string | undefined {
    return this.tips.get(eventId);
  }
}

export interface GitServer extends AsyncDisposable {
  readonly url: string;
  readonly repositories: Repositories;
  readonly heldStates: TestStateBook;
  /** Makes a repository, or changes it, as an announcement would. */
  announce(id: RepositoryId, parts?: Partial<GitState>): Promise<void>;
  state(id: RepositoryId): Promise<PublishedGitState>;
}

/** A server of the git URL spaces alone: no relay, no pages; what those would do, a test does by hand. */
export async function startGitServer(
  store: FaultyStore,
  options: {
    readonly access?: AccessMode;
    readonly clock?: Clock;
    readonly receiptsAreAuthoritative?: boolean;
    /** What strangers may push; generous without it. */
    readonly strangers?: StrangerLimits | 'off';
  } = {},
): Promise<GitServer> {
  const { access = 'signed', clock = systemClock, receiptsAreAuthoritative = false } = options;
  const { strangers: wanted = { bytes: 2 ** 28, objects: 100_000, refs: 1_000, object: 2 ** 24 } } = options;
  const strangers = wanted === 'off' ? undefined : wanted;
  const folder = await tempDir('cairn-git-server');
  const scratch = join(folder.path, 'scratch');
  await mkdir(scratch);
  const random = systemRandom;
  const git = new Git({ binary: 'git', home: scratch });
  const stack = new ClosingStack((error) => {
    throw error;
  });
  stack.defer(() => folder[Symbol.asyncDispose]());
  stack.defer(() => git.close());
  const stores = { control: store, bulk: store };
  const kept = { folder: folder.path, budget: 2 ** 30 };
  const { repositories, artifacts, cache } = await openRepositories(
    { stores, clock, random, swapPatience: 5_000, cache: kept },
    stack,
  );
  const responses = new ResponseCache({ folder: join(folder.path, 'answers'), budget: 2 ** 24 });
  await responses.open();
  const { capabilities, secp256k1 } = await learnOnce();
  const advertiser = new Advertiser(capabilities, 'cairn/test');
  const slots = new FairSemaphore(4, 16);
  const room = new SpoolRoom(scratch, 2 ** 30, clock);
  const heldStates = new TestStateBook(store);
  const log = createLogger('silent');
  const server = new HttpServer({
    log,
    metrics: new Metrics(),
    random,
    limits: { ...HTTP_LIMITS, trustedProxies: 1 },
  });
  const url = await server.listen('127.0.0.1', 0);
  const limits = {
    commands: 1_000,
    bytes: 2 ** 20,
    shallow: 100,
    pushOptions: 10,
    packBytes: 2 ** 26,
    objectBytes: 2 ** 25,
    heldBytes: 2 ** 25,
    linkingBytes: 2 ** 25,
    unpackedBytes: 2 ** 34,
  };
  server.serve({
    git: {
      repositories,
      advertiser,
      connections: new ConnectionMemory(),
      access,
      base: url,
      verifier: createVerifier(secp256k1),
      clock,
      staysPublic: () => true,
      fetchRequestBytes: 2 ** 24,
      headMemory: headMemory(),
      fetch: {
        git,
        slots,
        room,
        requestMemory: fetchRequestMemory(),
        advertiser,
        cache,
        responses,
        recency: 2_000,
        observer: { answered: () => undefined },
      },
      push: {
        git,
        slots,
        slowPushes: { room, stalled: new FairSlots(1, 1) },
        artifacts,
        cache,
        random,
        scratch,
        heldStates,
        clock,
        strangers,
        ...boundedPushes(strangers === undefined ? undefined : { ...strangers, slots: 2 }, clock),
        receiptsAreAuthoritative: () => receiptsAreAuthoritative,
        limits,
        heights: new HeightMemory(1_000),
      },
    },
    others: new Hono(),
  });
  return {
    url,
    repositories,
    heldStates,
    announce: async (id, parts = {}) => {
      const { publisher } = repositories.get(id);
      await publisher.join({
        since: 0,
        evaluate: async (state) => ({
          next: { ...(state ?? emptyState(id.identifier, 'sha1', random.hex(16))), ...parts },
          cause: { kind: 'announce', actor: id.owner, evidence: null, refs: [] },
          result: undefined,
        }),
      });
    },
    state: async (id) => {
      const state = await repositories.get(id).resolve();
      if (state === undefined) throw new Error(`${id.identifier} is not there`);
      return state;
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await stack.close();
    },
  };
}
