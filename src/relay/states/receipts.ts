/**
 * Receipts: what the refs of a repository are, stated and signed after each publish that changed them. A receipt follows
 * from its manifest alone, so every server makes the same one, and one that a crash kept from being written is made again
 * by whoever comes next. It is never waited for: a push is what its manifest says, whether that has been told or not.
 */

import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  branchesAndTags,
  countRefsStartingWith,
  differingRefs,
  isBranchOrTag,
  refLines,
  refsStartingWith,
} from '../../git/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { LoopTurns } from '../../lib/cooperative.ts';
import { isCairnError } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import type { NostrEvent, VerifiedEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import { attestationTemplate } from '../../nostr/repository-key.ts';
import { mostListedRefs, type RefsDigest, receiptTemplate } from '../../nostr/signed-state.ts';
import { firstValue } from '../../nostr/tags.ts';
import type { Logger } from '../../observability/logger.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import type { Policy } from '../../repository/manifest.ts';
import type { Repositories } from '../../repository/repositories.ts';
import { formatRepositoryId, type RepositoryId, repositoryId } from '../../repository/repository-id.ts';
import type { Events } from '../events.ts';
import type { SignedEvents } from '../log/signed-events.ts';
import type { ServiceIdentity } from '../service-identity.ts';

export interface ReceiptsContext {
  readonly events: Events;
  readonly repositories: Repositories;
  readonly signedEvents: SignedEvents;
  readonly service: ServiceIdentity;
  readonly clock: Clock;
  readonly random: Random;
  /** True for an event that is shown to everybody once it is in the log. */
  readonly isPublic: (event: NostrEvent) => boolean;
  readonly log: Logger;
  /** Told of every state the sweep comes by. */
  readonly onTip: (id: RepositoryId, manifest: GitManifest) => void;
}

/**
 * When every attestation is dated, in seconds: which key signs for a repository never changes, and the same date makes it
 * the same event from every server.
 */
const ATTESTED_AT = Date.UTC(2026, 0, 1) / 1000;
/** Manifests one look goes back for receipts that were never written. */
const MOST_REPAIRED = 256;
/** Repositories one run of the sweep looks at, and how long after its end it begins anew. */
const SWEPT_AT_ONCE = 200;
const SWEEP_PAUSE_MS = 60 * 60 * 1000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60_000;

export class Receipts {
  private readonly context: ReceiptsContext;
  /** By repository: the newest manifest that is to be told of. */
  private readonly waiting = new Map<string, { readonly id: RepositoryId; readonly manifest: GitManifest }>();
  private readonly working = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly turns = new LoopTurns();
  private tips:
    | AsyncGenerator<{ readonly id: RepositoryId; readonly state: { readonly manifest: GitManifest } }>
    | undefined;
  private sweptAt: number | undefined;

  constructor(context: ReceiptsContext) {
    this.context = context;
  }

  /** Tells the world of a publish, and of those before it that it has not been told of. Returns at once. */
  settle(id: RepositoryId, manifest: GitManifest): void {
    if (this.stopping.signal.aborted) return;
    const name = formatRepositoryId(id);
    const known = this.waiting.get(name);
    if (known === undefined || known.manifest.depth < manifest.depth)
      this.waiting.set(name, { id, manifest });
    if (!this.working.has(name)) this.working.set(name, this.work(name));
  }

  /** Resolves once everything that was to be told has been. */
  async idle(): Promise<void> {
    while (this.working.size > 0) await Promise.all(this.working.values());
  }

  /** Looks at what is published, a part of it at each call: a server that died may not have told of its last publishes. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { repositories, clock, log } = this.context;
    if (this.sweptAt !== undefined && clock.monotonic() - this.sweptAt < SWEEP_PAUSE_MS) return;
    this.tips ??= repositories.list(undefined, (damage) =>
      log.error({ err: damage }, 'a repository cannot be read'),
    );
    for (let count = 0; count < SWEPT_AT_ONCE && !signal.aborted; count++) {
      const next = await this.tips.next().catch((error: unknown) => {
        // A listing that has broken off would look as if it had come to its end.
        this.tips = undefined;
        throw error;
      });
      if (next.done) {
        this.tips = undefined;
        this.sweptAt = clock.monotonic();
        return;
      }
      const { id, state } = next.value;
      this.context.onTip(id, state.manifest);
      await this.catchUp(id, state.manifest);
    }
  }

  /** One repository in trouble does not keep the others from being told of: it is tried again by itself, or is damaged. */
  private async catchUp(id: RepositoryId, manifest: GitManifest): Promise<void> {
    try {
      await this.tell(id, manifest);
    } catch (error) {
      if (isCairnError(error, 'unavailable') || isCairnError(error, 'busy')) this.settle(id, manifest);
      else this.context.log.error({ err: error, repository: formatRepositoryId(id) }, 'no receipt');
    }
  }

  /** Gives up what waits to be tried again; what is being written is finished. The next start makes up for it. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.idle();
    await this.tips?.return(undefined);
  }

  /** Works off what waits for one repository; in between nothing may be added that nobody would then work off. */
  private async work(name: string): Promise<void> {
    const { clock, random, log } = this.context;
    // The report of the push goes out first: signing takes milliseconds, and nobody else gets a turn in them.
    await nextTurn();
    for (let failures = 0; ; ) {
      const next = this.waiting.get(name);
      if (next === undefined) break;
      this.waiting.delete(name);
      try {
        await this.tell(next.id, next.manifest);
        failures = 0;
      } catch (error) {
        const passing = isCairnError(error, 'unavailable') || isCairnError(error, 'busy');
        log[passing ? 'warn' : 'error']({ err: error, repository: name }, 'no receipt yet');
        if (!passing) continue;
        if (!this.waiting.has(name)) this.waiting.set(name, next);
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures++);
        // Broken off by the end of the server alone.
        await clock.sleep(pause * (0.5 + random.fraction() / 2), this.stopping.signal).catch(() => undefined);
        if (this.stopping.signal.aborted) break;
      }
    }
    this.waiting.delete(name);
    this.working.delete(name);
  }

  /** Writes into the log what a manifest names and the log has not got, then the receipts up to it. */
  private async tell(id: RepositoryId, manifest: GitManifest): Promise<void> {
    if (manifest.lifecycle !== 'live') return;
    const untold = await this.untold(id, manifest);
    const named = await this.namedEvents(id, manifest, untold);
    const signer = this.context.service.signerOf(id);
    const receipts: VerifiedEvent[] = [];
    for (const { manifest: told, changed } of untold) {
      if (changed) receipts.push(signer.sign(receiptOf(id, told, await this.statedRefs(told))));
    }
    const attestation = receipts.length === 0 || this.isAttested(id) ? [] : [this.attestation(id)];
    const events = [...named, ...attestation, ...receipts].filter((event) => this.isNews(event));
    if (events.length > 0) await this.context.events.append(events);
  }

  /** The announcements in force and the orders carried out, as far as they are to be served and are not yet. */
  private async namedEvents(
    id: RepositoryId,
    { policy, order }: GitManifest,
    untold: readonly Untold[],
  ): Promise<VerifiedEvent[]> {
    const { signedEvents } = this.context;
    const orders = untold.flatMap(({ manifest }) => statesOf(manifest));
    const names = new Set([...policy.announcements, ...orders, ...(order === null ? [] : [order.id])]);
    const missing = [...names].filter((name) => this.isUnseen(name));
    const named = await Promise.all(missing.map((name) => signedEvents.load(id, name)));
    const shown = await Promise.all(named.map((event) => this.mayBeShown(id, event, policy)));
    return named.filter((_, at) => shown[at]);
  }

  private isUnseen(name: string): boolean {
    const { events } = this.context;
    return events.get(name) === undefined || events.isHidden(name);
  }

  /**
   * The announcement of a maintainer makes a repository of his own, and stays unseen while that waits for its first data. What
   * was ordered in a private repository is not shown because it would count in a public one, too.
   */
  private async mayBeShown(id: RepositoryId, event: VerifiedEvent, policy: Policy): Promise<boolean> {
    if (event.kind === kinds.repositoryState) return !policy.private || !this.context.isPublic(event);
    if (event.kind !== kinds.repository || event.pubkey === id.owner) return true;
    const own = this.context.repositories.get(repositoryId(event.pubkey, id.identifier));
    return (await own.resolve())?.manifest.lifecycle !== 'held';
  }

  /** A publish and those before it, oldest first, that are newer than the newest receipt known. */
  private async untold(id: RepositoryId, tip: GitManifest): Promise<Untold[]> {
    const { events, repositories, service } = this.context;
    const { publicKey } = service.signerOf(id);
    const told = events.latest(kinds.repositoryState, publicKey, id.identifier)?.created_at ?? -1;
    const untold: Untold[] = [];
    let manifest: GitManifest | undefined = tip;
    while (manifest !== undefined && manifest.receiptAt > told && untold.length < MOST_REPAIRED) {
      const parent: GitManifest | undefined =
        manifest.parent === null ? undefined : await repositories.get(id).manifest(manifest.parent);
      if (manifest.lifecycle === 'live') untold.unshift({ manifest, changed: changesRefs(manifest, parent) });
      manifest = parent;
    }
    return untold;
  }

  /** Signing costs milliseconds, so what has been attested is not signed again. */
  private isAttested(id: RepositoryId): boolean {
    const { events, service } = this.context;
    const template = attestationTemplate(
      id.owner,
      id.identifier,
      service.signerOf(id).publicKey,
      ATTESTED_AT,
    );
    const identifier = firstValue(template, 'd') ?? '';
    return events.latest(template.kind, service.publicKey, identifier)?.created_at === ATTESTED_AT;
  }

  private attestation(id: RepositoryId): VerifiedEvent {
    const { service } = this.context;
    const { publicKey } = service.signerOf(id);
    return service.signer.sign(attestationTemplate(id.owner, id.identifier, publicKey, ATTESTED_AT));
  }

  /** The refs as a receipt states them. Of very many the digest takes a while, in which others get their turns. */
  private async statedRefs({ refs }: GitManifest): Promise<ReadonlyMap<string, string> | RefsDigest> {
    const stated = branchesAndTags(refs);
    const count = stated.size;
    if (count <= mostListedRefs) return stated;
    const hash = createHash('sha256');
    for (const lines of refLines(stated)) {
      hash.update(lines);
      await this.turns.next();
    }
    return { count, digest: hash.digest('hex') };
  }

  private isNews(event: VerifiedEvent): boolean {
    const { events } = this.context;
    return events.judge(event) === 'stored' || events.isHidden(event.id);
  }
}

const NO_REFS: ReadonlyMap<string, string> = new Map();

/** A publish of which the log has no receipt. */
interface Untold {
  readonly manifest: GitManifest;
  /** Whether there has to be one. */
  readonly changed: boolean;
}

function receiptOf(id: RepositoryId, manifest: GitManifest, refs: ReadonlyMap<string, string> | RefsDigest) {
  const { head, receiptAt: at, causes } = manifest;
  // An order that moves nothing but HEAD changes no ref.
  const changing = causes.filter(({ kind, refs: changed }) => changed.length > 0 || kind === 'order');
  return receiptTemplate({
    owner: id.owner,
    identifier: id.identifier,
    refs,
    head,
    at,
    actors: changing.flatMap(({ actor }) => actor ?? []),
    orders: statesOf(manifest),
  });
}

/** Ids of the orders that a publish carried out. */
function statesOf({ causes }: GitManifest): string[] {
  return causes.flatMap(({ kind, evidence }) => (kind === 'order' && evidence !== null ? [evidence] : []));
}

/** True when a publish changed what a receipt states: branches, tags or HEAD. */
function changesRefs(manifest: GitManifest, parent: GitManifest | undefined): boolean {
  // Nothing is told of a withdrawal. What was told before must not be taken for the state of what is announced anew.
  if (parent?.lifecycle === 'withdrawn' && parent.withdrawal !== undefined) return true;
  // This runs after every push, so nothing is put in order, and of very many refs not every one is looked at.
  if (countStated(manifest.refs) !== countStated(parent?.refs ?? NO_REFS)) return true;
  for (const name of differingRefs(manifest.refs, parent?.refs ?? NO_REFS))
    if (isBranchOrTag(name)) return true;
  return manifest.head !== parent?.head && statesAny(manifest);
}

/** What the names of refs begin with that a receipt speaks of. */
const STATED = ['refs/heads/', 'refs/tags/'];

function statesAny({ refs }: GitManifest): boolean {
  return STATED.some((prefix) => refsStartingWith(refs, prefix).next().done !== true);
}

function countStated(refs: GitManifest['refs']): number {
  return STATED.reduce((count, prefix) => count + countRefsStartingWith(refs, prefix), 0);
}
