/**
 * Receipts: signed statements of what a repository holds (of git: its refs), made after each publish that changed it. A
 * receipt depends on its manifest alone. So every server makes the same one, and any server can make up for a receipt that a
 * crash prevented. Nothing waits for a receipt: the manifest decides what has been pushed, not its receipt.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import { type CairnError, isCairnError } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import type { EventTemplate, NostrEvent, VerifiedEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import { attestationTemplate } from '../../nostr/repository-key.ts';
import { firstValue } from '../../nostr/tags.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Manifest, Policy } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { formatRepositoryId, type RepositoryId, repositoryId } from '../../repository/repository-id.ts';
import type { Events } from '../events.ts';
import type { SignedEvents } from '../log/signed-events.ts';
import type { ServiceIdentity } from '../service-identity.ts';

/** What the receipts of a kind of repository say. A receipt follows from its manifest alone. */
export interface ReceiptContent<M extends Manifest> {
  /** True when a publish changed what a receipt lists. @param parent what was published before; undefined: nothing */
  changes(manifest: M, parent: M | undefined): boolean;
  /** The receipt of a publish, to be signed by the repository's key: Equal manifests give the same bytes. */
  template(id: RepositoryId, manifest: M): Promise<EventTemplate>;
  /** Ids of the signed states that a publish applied. */
  applied(manifest: M): readonly string[];
  /** Id of the signed state that was applied last, by this publish or before; undefined where there is none. */
  lastApplied(manifest: M): string | undefined;
}

/** What receipts need of the repositories of a kind. */
export interface ReceiptRepositories<M extends Manifest> {
  get(id: RepositoryId): Pick<Repository<M>, 'manifest' | 'resolve'>;
  /** See `Repositories.list`. */
  list(
    owner: undefined,
    onDamaged: (damage: CairnError) => void,
  ): AsyncGenerator<{ readonly id: RepositoryId; readonly state: { readonly manifest: M } }>;
}

/** @typeParam M manifest of the kind of the repositories */
export interface ReceiptsContext<M extends Manifest> {
  readonly events: Events;
  readonly repositories: ReceiptRepositories<M>;
  readonly content: ReceiptContent<M>;
  readonly signedEvents: SignedEvents;
  readonly service: ServiceIdentity;
  readonly clock: Clock;
  readonly random: Random;
  /** True for an event that is shown to everybody once it is in the log. */
  readonly isPublic: (event: NostrEvent) => boolean;
  readonly log: Logger;
  /**
   * Milliseconds for which publishes are gathered, so that their receipts are one write. Absent: each receipt is written at once. A crash
   * meanwhile costs nothing: the next start writes what is missing.
   */
  readonly gather?: number;
  /** Called with every published state that the sweep reads. */
  readonly onTip: (id: RepositoryId, manifest: M) => void;
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

export class Receipts<M extends Manifest> {
  private readonly context: ReceiptsContext<M>;
  /** By repository: the newest manifest that needs a receipt. */
  private readonly waiting = new Map<string, { readonly id: RepositoryId; readonly manifest: M }>();
  private readonly working = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();
  private tips: ReturnType<ReceiptRepositories<M>['list']> | undefined;
  private sweptAt: number | undefined;

  constructor(context: ReceiptsContext<M>) {
    this.context = context;
  }

  /** Writes the receipt of a publish, and those that earlier publishes lack. Returns at once. */
  settle(id: RepositoryId, manifest: M): void {
    if (this.stopping.signal.aborted) return;
    const name = formatRepositoryId(id);
    const known = this.waiting.get(name);
    if (known === undefined || known.manifest.depth < manifest.depth)
      this.waiting.set(name, { id, manifest });
    if (!this.working.has(name)) this.working.set(name, this.work(name));
  }

  /** Resolves when no receipt is waiting or being written. */
  async idle(): Promise<void> {
    while (this.working.size > 0) await Promise.all(this.working.values());
  }

  /** Checks a part of all published states at each call: a server that crashed may have left receipts unwritten. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { repositories, clock, log } = this.context;
    if (this.sweptAt !== undefined && clock.monotonic() - this.sweptAt < SWEEP_PAUSE_MS) return;
    this.tips ??= repositories.list(undefined, (damage) =>
      log.error({ err: damage }, 'a repository cannot be read'),
    );
    for (let count = 0; count < SWEPT_AT_ONCE && !signal.aborted; count++) {
      const next = await this.tips.next().catch((error: unknown) => {
        // The next run must not take a listing that failed for one that is complete.
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

  /** Checks one repository. A failure does not stop the sweep: it is tried again alone, or logged if the repository is damaged. */
  private async catchUp(id: RepositoryId, manifest: M): Promise<void> {
    try {
      await this.tell(id, manifest);
    } catch (error) {
      if (isCairnError(error, 'unavailable') || isCairnError(error, 'busy')) this.settle(id, manifest);
      else this.context.log.error({ err: error, repository: formatRepositoryId(id) }, 'no receipt');
    }
  }

  /** Drops what waits for another try and finishes what is being written. The next start writes the rest. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.idle();
    await this.tips?.return(undefined);
  }

  /** Writes receipts for one repository until none is waiting. No `await` may come between the last check and the end. */
  private async work(name: string): Promise<void> {
    const { clock, random, log, gather } = this.context;
    for (let failures = 0; ; ) {
      // The report of the push goes out first: signing blocks the event loop for milliseconds.
      if (gather === undefined) await nextTurn();
      else await clock.sleep(gather, this.stopping.signal).catch(() => undefined);
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
        // Only the end of the server ends the sleep early.
        await clock.sleep(pause * (0.5 + random.fraction() / 2), this.stopping.signal).catch(() => undefined);
        if (this.stopping.signal.aborted) break;
      }
    }
    this.waiting.delete(name);
    this.working.delete(name);
  }

  /** Appends to the log the events that a manifest names and the log lacks, then the receipts up to this manifest. */
  private async tell(id: RepositoryId, manifest: M): Promise<void> {
    if (manifest.lifecycle !== 'live') return;
    const untold = await this.untold(id, manifest);
    const named = await this.namedEvents(id, manifest, untold);
    const signer = this.context.service.signerOf(id);
    const receipts: VerifiedEvent[] = [];
    for (const { manifest: told, changed } of untold) {
      if (changed) receipts.push(signer.sign(await this.context.content.template(id, told)));
    }
    const attestation = receipts.length === 0 || this.isAttested(id) ? [] : [this.attestation(id)];
    const events = [...named, ...attestation, ...receipts].filter((event) => this.isNews(event));
    if (events.length > 0) await this.context.events.append(events);
  }

  /** The announcements in force and the applied signed states that the log lacks and may show. */
  private async namedEvents(
    id: RepositoryId,
    manifest: M,
    untold: readonly Untold<M>[],
  ): Promise<VerifiedEvent[]> {
    const { signedEvents, content } = this.context;
    const { policy } = manifest;
    const applied = untold.flatMap(({ manifest: told }) => content.applied(told));
    const names = new Set([...policy.announcements, ...applied]);
    const last = content.lastApplied(manifest);
    if (last !== undefined) names.add(last);
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
   * A maintainer's announcement makes a repository of the maintainer's own, and stays hidden until that has data. A signed
   * state applied in a private repository stays hidden, even if it would count in a public one, too.
   */
  private async mayBeShown(id: RepositoryId, event: VerifiedEvent, policy: Policy): Promise<boolean> {
    if (event.kind === kinds.repositoryState) return !policy.private || !this.context.isPublic(event);
    if (event.kind !== kinds.repository || event.pubkey === id.owner) return true;
    const own = this.context.repositories.get(repositoryId(event.pubkey, id.identifier));
    return (await own.resolve())?.manifest.lifecycle !== 'held';
  }

  /** The publishes newer than the newest receipt, up to this one, oldest first. */
  private async untold(id: RepositoryId, tip: M): Promise<Untold<M>[]> {
    const { events, repositories, content, service } = this.context;
    const { publicKey } = service.signerOf(id);
    const told = events.latest(kinds.repositoryState, publicKey, id.identifier)?.created_at ?? -1;
    const untold: Untold<M>[] = [];
    let manifest: M | undefined = tip;
    while (manifest !== undefined && manifest.receiptAt > told && untold.length < MOST_REPAIRED) {
      const parent: M | undefined =
        manifest.parent === null ? undefined : await repositories.get(id).manifest(manifest.parent);
      if (manifest.lifecycle === 'live') {
        const changed = comesAfterWithdrawal(parent) || content.changes(manifest, parent);
        untold.unshift({ manifest, changed });
      }
      manifest = parent;
    }
    return untold;
  }

  /** Signing costs milliseconds, so an attestation that exists is not signed again. */
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

  private isNews(event: VerifiedEvent): boolean {
    const { events } = this.context;
    return events.judge(event) === 'stored' || events.isHidden(event.id);
  }
}

/** A withdrawal has no receipt. Earlier receipts must not count for a repository that is announced again. */
export function comesAfterWithdrawal(parent: Manifest | undefined): boolean {
  return parent?.lifecycle === 'withdrawn' && parent.withdrawal !== undefined;
}

/** A publish that has no receipt in the log. */
interface Untold<M> {
  readonly manifest: M;
  /** True when the publish needs a receipt. */
  readonly changed: boolean;
}
