/**
 * Publishes the policy that follows from the announcements. This is a publish like any other: a push that races it is decided
 * under the rules of the state it is published on.
 */
import { canonicalJson } from '../../lib/canonical-json.ts';
import { concurrently } from '../../lib/concurrently.ts';
import { CairnError } from '../../lib/errors.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { newestFirst } from '../../nostr/event-order.ts';
import { kinds } from '../../nostr/kinds.ts';
import { type MaintainerRule, maintainerClosure } from '../../nostr/maintainers.ts';
import type { Change, Evaluation } from '../../repository/change.ts';
import type { Committed } from '../../repository/committed.ts';
import type { CauseOf, Manifest, Policy, RepositoryState, StateOf } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { EventReader } from '../events.ts';
import type { SignedEvents } from '../log/signed-events.ts';
import { readAnnouncement } from './read-announcement.ts';

export interface PolicyContext {
  readonly events: EventReader;
  readonly signedEvents: SignedEvents;
  readonly rule: MaintainerRule;
}

/** A policy, and the announcements it follows from. */
export interface DerivedPolicy {
  readonly policy: Policy;
  readonly announcements: readonly NostrEvent[];
}

/** The newest announcement of a key under the identifier of a repository. */
export type NewestAnnouncement = (publicKey: string) => NostrEvent | undefined;

/**
 * The newest announcements under the identifier of a repository, from the log and from the manifest. The manifest may name
 * announcements that have not reached this server yet, and the policy must not go back behind them.
 * @param alsoKnown an announcement that is not in the log yet
 * @throws CairnError when the store fails, or lacks what the manifest names
 */
export async function newestAnnouncements(
  context: PolicyContext,
  id: RepositoryId,
  state: Pick<RepositoryState, 'policy'> | undefined,
  alsoKnown?: NostrEvent,
): Promise<NewestAnnouncement> {
  const { events, signedEvents } = context;
  const named = await concurrently(
    state?.policy.announcements ?? [],
    8,
    async (eventId) => events.get(eventId) ?? signedEvents.load(id, eventId),
  );
  const candidates = [...named, ...(alsoKnown === undefined ? [] : [alsoKnown])].filter(
    (event) => events.judge(event) !== 'deleted',
  );
  return (publicKey) => {
    const known = events.latest(kinds.repository, publicKey, id.identifier);
    const own = candidates.filter((event) => event.pubkey === publicKey);
    return [...own, ...(known === undefined ? [] : [known])].sort(newestFirst)[0];
  };
}

/** The policy that follows from the announcements; undefined when the owner has none. */
export function derivePolicy(
  owner: string,
  newest: NewestAnnouncement,
  rule: MaintainerRule,
): DerivedPolicy | undefined {
  const announcement = readAnnouncement(newest(owner));
  if (announcement === undefined) return undefined;
  const closure = maintainerClosure(owner, (key) => readAnnouncement(newest(key)), rule);
  return {
    policy: {
      announcements: closure.announcements,
      writers: closure.writers,
      protection: announcement.protection,
      private: announcement.private,
      readers: announcement.readers,
    },
    announcements: closure.writers.flatMap((key) => newest(key) ?? []),
  };
}

export function samePolicy(a: Policy, b: Policy): boolean {
  return canonicalJson({ ...a }) === canonicalJson({ ...b });
}

/** The result of a change whose manifest would name announcements that are not stored yet. */
export interface Unstored {
  readonly is: 'unstored';
  readonly events: readonly NostrEvent[];
}

/**
 * The announcements that a repository has not stored yet.
 * @param stored ids of those that have been stored since
 */
export function unstored(
  derived: DerivedPolicy,
  state: Pick<RepositoryState, 'policy'> | undefined,
  stored: ReadonlySet<string>,
): Unstored | undefined {
  const named = new Set(state?.policy.announcements);
  const events = derived.announcements.filter(({ id }) => !named.has(id) && !stored.has(id));
  return events.length === 0 ? undefined : { is: 'unstored', events };
}

const TRIES = 8;

/**
 * Publishes a change that names announcements. If some are not stored yet, it stores them and tries again.
 * @param change makes the change, given the ids of what has been stored
 */
export async function publishStored<M extends Manifest, R extends { readonly is: string }>(
  repository: Pick<Repository<M>, 'id' | 'publisher'>,
  signedEvents: SignedEvents,
  change: (stored: ReadonlySet<string>) => Change<M, R | Unstored>,
): Promise<{ readonly result: R; readonly committed: Committed<M> }> {
  const stored = new Set<string>();
  for (let tries = 0; tries < TRIES; tries++) {
    const { result, committed } = await repository.publisher.join(change(stored));
    if (!isUnstored(result)) return { result, committed };
    await concurrently(result.events, 8, (event) => signedEvents.store(repository.id, event));
    for (const event of result.events) stored.add(event.id);
  }
  throw new CairnError('busy', 'the announcements of this repository keep changing, try again');
}

function isUnstored(result: { readonly is: string }): result is Unstored {
  return result.is === 'unstored';
}

/** `absent`: there is no such repository, or not any more. */
export type PolicyResult = { readonly is: 'changed' | 'unchanged' | 'absent' } | Unstored;

export interface PolicyChangeOptions<M extends Manifest> {
  readonly context: PolicyContext;
  readonly id: RepositoryId;
  readonly cause: CauseOf<M>;
  readonly stored: ReadonlySet<string>;
  /** See `Change.since`. */
  readonly since: number;
  /** An announcement that is not in the log yet. */
  readonly alsoKnown?: NostrEvent;
}

/** Publishes the policy of an announced repository again, whatever its kind. */
export class PolicyChange<M extends Manifest> implements Change<M, PolicyResult> {
  readonly since: number;
  private readonly options: PolicyChangeOptions<M>;

  constructor(options: PolicyChangeOptions<M>) {
    this.options = options;
    this.since = options.since;
  }

  async evaluate(current: (StateOf<M> & RepositoryState) | undefined): Promise<Evaluation<M, PolicyResult>> {
    const { context, id, cause, stored, alsoKnown } = this.options;
    if (current === undefined || current.lifecycle === 'withdrawn') return { result: { is: 'absent' } };
    const newest = await newestAnnouncements(context, id, current, alsoKnown);
    const derived = derivePolicy(id.owner, newest, context.rule);
    if (derived === undefined || samePolicy(derived.policy, current.policy))
      return { result: { is: 'unchanged' } };
    const missing = unstored(derived, current, stored);
    if (missing !== undefined) return { result: missing };
    return { next: { ...current, policy: derived.policy }, cause, result: { is: 'changed' } };
  }
}
