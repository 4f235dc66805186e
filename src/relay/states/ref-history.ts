/**
 * Who moved the refs of a repository, when, and with what evidence: its chain of manifests. For each publish the service can
 * sign its receipt again, and it is the same event, since a receipt follows from its manifest alone.
 */
import { differingRefs } from '../../git/index.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Digest } from '../../lib/digest.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { LruMap } from '../../lib/lru.ts';
import type { VerifiedEvent } from '../../nostr/event.ts';
import type { GitManifest, PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { CauseKind } from '../../repository/manifest.ts';
import type { SignedEvents } from '../log/signed-events.ts';
import type { ServiceIdentity } from '../service-identity.ts';
import { comesAfterWithdrawal, type ReceiptContent } from './receipts.ts';

/** One publish. */
export interface HistoryStep {
  /** Digest of its manifest: the name of the step. */
  readonly digest: Digest;
  /** Number of publishes before it. */
  readonly depth: number;
  /** Seconds. */
  readonly at: number;
  readonly causes: readonly StepCause[];
  /** Refs that differ from the publish before, as many as are shown. */
  readonly changes: readonly RefChange[];
  /** How many there are; not counted beyond {@link MOST_COUNTED}. */
  readonly changeCount: number;
  /** The branch that HEAD names from now on; absent when that did not change. */
  readonly head?: string;
  /** Whether the service has signed a receipt of it. */
  readonly hasReceipt: boolean;
}

export interface StepCause {
  readonly kind: CauseKind;
  /** Public key in hex; absent when none was needed. */
  readonly actor?: string;
  /** Id of the event that justified it: a signed state, an announcement, or the token of a push. */
  readonly evidence?: string;
}

export interface RefChange {
  readonly ref: string;
  /** Object ids; absent when the ref did not exist. */
  readonly before?: string;
  readonly after?: string;
}

export interface HistoryPart {
  /** Newest first. */
  readonly steps: readonly HistoryStep[];
  /** Where to continue: name of the next step; absent at the end. */
  readonly next?: Digest;
  /** True when older publishes are not kept. */
  readonly cut: boolean;
}

export interface RefHistoryContext {
  readonly content: ReceiptContent<GitManifest>;
  readonly signedEvents: Pick<SignedEvents, 'load'>;
  readonly service: Pick<ServiceIdentity, 'signerOf'>;
  readonly clock: Clock;
}

/** Manifests that are read for one question, and milliseconds for them; each may be a request to the store. */
const MOST_READ = 200;
const READ_MS = 4_000;
/** Manifests that are read to find a step by its name. */
const MOST_SOUGHT = 1_000;
const MOST_CHANGES = 20;
const MOST_COUNTED = 10_000;
const MOST_CAUSES = 20;
/** Names of steps that are known to be in a chain. */
const KEPT_NAMES = 50_000;

export class RefHistory {
  private readonly context: RefHistoryContext;
  /** A manifest that lost its swap is in the store, too. Only what was published is history. */
  private readonly published = new LruMap<string, true>(KEPT_NAMES);

  constructor(context: RefHistoryContext) {
    this.context = context;
  }

  /**
   * A part of the history.
   * @param ref only steps that changed it
   * @param from the step to begin with; the newest one when it is not given
   * @throws CairnError `not-found` when there is no such step
   */
  async part(
    repository: GitRepository,
    state: PublishedGitState,
    question: { readonly ref: string | undefined; readonly from: Digest | undefined; readonly count: number },
  ): Promise<HistoryPart> {
    const { ref, from, count } = question;
    const began = this.context.clock.monotonic();
    const steps: HistoryStep[] = [];
    let digest: Digest | null = from ?? state.digest;
    let manifest: GitManifest | undefined = await this.find(repository, state, digest);
    for (let read = 0; manifest !== undefined && digest !== null; read++) {
      const isLate = read >= MOST_READ || this.context.clock.monotonic() - began > READ_MS;
      if (steps.length === count || (isLate && read > 0)) return { steps, next: digest, cut: false };
      this.published.set(nameOf(repository, digest), true, 1);
      const parent: GitManifest | undefined = await this.parentOf(repository, manifest);
      const before = parent !== undefined && isShown(parent, state.manifest) ? parent : undefined;
      if (ref === undefined || manifest.refs.get(ref) !== before?.refs.get(ref)) {
        steps.push(this.stepOf(digest, manifest, before, parent));
      }
      if (before === undefined) return { steps, cut: manifest.parent !== null };
      [digest, manifest] = [manifest.parent, before];
    }
    return { steps, cut: false };
  }

  /**
   * The receipt of a step.
   * @throws CairnError `not-found` when there is no such step, or none was signed for it
   */
  async receipt(repository: GitRepository, state: PublishedGitState, digest: Digest): Promise<VerifiedEvent> {
    const manifest = await this.find(repository, state, digest);
    const { content, service } = this.context;
    if (!this.hasReceipt(manifest, await this.parentOf(repository, manifest))) {
      throw new CairnError('not-found', 'this publish changed nothing that a receipt lists');
    }
    return service.signerOf(repository.id).sign(await content.template(repository.id, manifest));
  }

  /**
   * The signed event that justified a step: a signed state, an announcement or a deletion. Tokens of pushes are not kept.
   * @throws CairnError `not-found` when the step does not name it, or it is not kept
   */
  async evidence(
    repository: GitRepository,
    state: PublishedGitState,
    digest: Digest,
    id: string,
  ): Promise<VerifiedEvent> {
    const { causes } = await this.find(repository, state, digest);
    if (!causes.some(({ evidence }) => evidence === id)) {
      throw new CairnError('not-found', 'this publish does not name such an event');
    }
    try {
      return await this.context.signedEvents.load(repository.id, id);
    } catch (error) {
      if (!isCairnError(error, 'corrupt')) throw error;
      throw new CairnError('not-found', 'this event is not kept', { cause: error });
    }
  }

  /** Reads a manifest of the chain. @throws CairnError `not-found` for one that was never published, or long ago */
  private async find(
    repository: GitRepository,
    state: PublishedGitState,
    wanted: Digest,
  ): Promise<GitManifest> {
    const found = await this.inChain(repository, state, wanted);
    if (!isShown(found, state.manifest)) throw new CairnError('not-found', 'there is no such publish');
    return found;
  }

  private async inChain(
    repository: GitRepository,
    { digest: newest, manifest }: PublishedGitState,
    wanted: Digest,
  ): Promise<GitManifest> {
    if (wanted === newest) return manifest;
    if (this.published.get(nameOf(repository, wanted)) !== undefined) return repository.manifest(wanted);
    const began = this.context.clock.monotonic();
    let at: GitManifest | undefined = manifest;
    for (let read = 0; at !== undefined && at.parent !== null && read < MOST_SOUGHT; read++) {
      const isWanted: boolean = at.parent === wanted;
      this.published.set(nameOf(repository, at.parent), true, 1);
      at = await this.parentOf(repository, at);
      if (isWanted && at !== undefined) return at;
      if (this.context.clock.monotonic() - began > READ_MS) break;
    }
    throw new CairnError('not-found', 'there is no such publish, or it is long ago: go there step by step');
  }

  /** @returns undefined at the beginning, and where older manifests are not kept */
  private async parentOf(
    repository: GitRepository,
    { parent }: GitManifest,
  ): Promise<GitManifest | undefined> {
    if (parent === null) return undefined;
    try {
      return await repository.manifest(parent);
    } catch (error) {
      if (isCairnError(error, 'corrupt') || isCairnError(error, 'not-found')) return undefined;
      throw error;
    }
  }

  /** @param before what it is compared with; undefined: nothing that is shown */
  private stepOf(
    digest: Digest,
    manifest: GitManifest,
    before: GitManifest | undefined,
    parent: GitManifest | undefined,
  ): HistoryStep {
    const { depth, receiptAt: at, causes, refs, head } = manifest;
    const changes: RefChange[] = [];
    let changeCount = 0;
    for (const ref of differingRefs(refs, before?.refs ?? new Map())) {
      const [was, is] = [before?.refs.get(ref), refs.get(ref)];
      if (changes.length < MOST_CHANGES) {
        changes.push({
          ref,
          ...(was === undefined ? {} : { before: was }),
          ...(is === undefined ? {} : { after: is }),
        });
      }
      if (++changeCount === MOST_COUNTED) break;
    }
    return {
      digest,
      depth,
      at,
      causes: causes.slice(0, MOST_CAUSES).map(({ kind, actor, evidence }) => ({
        kind,
        ...(actor === null ? {} : { actor }),
        ...(evidence === null ? {} : { evidence }),
      })),
      changes,
      changeCount,
      ...(head === before?.head ? {} : { head }),
      hasReceipt: this.hasReceipt(manifest, parent),
    };
  }

  private hasReceipt(manifest: GitManifest, parent: GitManifest | undefined): boolean {
    if (manifest.lifecycle !== 'live') return false;
    return comesAfterWithdrawal(parent) || this.context.content.changes(manifest, parent);
  }
}

/**
 * Whether a reader of the current state may see an earlier one: not what was withdrawn since, and of a public repository not
 * the time when it was private.
 */
function isShown(manifest: GitManifest, current: GitManifest): boolean {
  if (manifest.incarnation !== current.incarnation) return false;
  return current.policy.private || !manifest.policy.private;
}

function nameOf(repository: GitRepository, digest: Digest): string {
  return `${repository} ${digest}`;
}
