/** The relay's information document (NIP-11), with the additions of GRASP-01. */
import { maxSubscriptionLength } from '../../nostr/client-message.ts';
import { MAX_AHEAD_SECONDS } from '../admission.ts';
import type { RelayLimits } from './relay-limits.ts';

export interface RelayFacts {
  /** The public base URL of the service. */
  readonly base: string;
  /** The public key of the service, which attests the keys of its receipts. */
  readonly self: string;
  readonly version: string;
  readonly limits: RelayLimits;
  /** The host of the base URL when not given. */
  readonly name?: string;
  readonly description?: string;
  /** How to reach the operator: a URL or a mail address as `mailto:`. */
  readonly contact?: string;
  /** URL of a square image. */
  readonly icon?: string;
  /** Public key of the operator, in hex. */
  readonly operator?: string;
  /** How many repositories one key may have here; if not given, the document names no number. */
  readonly maxRepositoriesPerOwner?: number;
  /** True when nothing can be announced or pushed here. */
  readonly readOnly?: boolean;
}

/** The document, with the names of NIP-11. */
export interface RelayInformation {
  readonly name: string;
  readonly description: string;
  readonly self: string;
  /** The operator's key, not the service's. */
  readonly pubkey?: string;
  readonly contact?: string;
  readonly icon?: string;
  readonly software: string;
  readonly version: string;
  readonly supported_nips: readonly number[];
  readonly supported_grasps: readonly string[];
  readonly repo_acceptance_criteria: string;
  readonly limitation: Readonly<Record<string, number | boolean>>;
}

/** The NIPs of the relay, and those of git repositories (34) and of tokens for git (98). */
const SUPPORTED_NIPS = [1, 9, 11, 34, 40, 42, 45, 70, 98];

/**
 * Builds the NIP-11 document. It has no `curation`: what is kept follows from the repositories here; nobody selects events.
 */
export function relayInformation(facts: RelayFacts): RelayInformation {
  const { base, self, version, limits, contact, icon, operator } = facts;
  return {
    name: facts.name ?? new URL(base).host,
    description: facts.description ?? 'Git repositories, and the events that belong to them.',
    self,
    ...(operator === undefined ? {} : { pubkey: operator }),
    ...(contact === undefined ? {} : { contact }),
    ...(icon === undefined ? {} : { icon }),
    software: 'cairn',
    version,
    supported_nips: SUPPORTED_NIPS,
    supported_grasps: ['GRASP-01'],
    repo_acceptance_criteria: criteriaOf(facts),
    limitation: {
      max_message_length: limits.messageBytes,
      max_subscriptions: limits.subscriptionsPerConnection,
      max_limit: limits.eventsPerFilter,
      default_limit: limits.eventsPerFilter,
      max_subid_length: maxSubscriptionLength,
      max_event_tags: limits.message.event.maxTags,
      max_content_length: limits.message.event.maxContentBytes,
      created_at_upper_limit: MAX_AHEAD_SECONDS,
      auth_required: false,
      payment_required: false,
      restricted_writes: true,
    },
  };
}

function criteriaOf({ base, maxRepositoriesPerOwner, readOnly }: RelayFacts): string {
  if (readOnly === true) return 'This server is read-only: it takes no announcements and no pushes.';
  if (maxRepositoriesPerOwner === 0) return 'This server takes no new repositories.';
  const most =
    maxRepositoriesPerOwner === 1 ? 'one repository' : `up to ${maxRepositoriesPerOwner} repositories`;
  const number = maxRepositoriesPerOwner === undefined ? 'repositories' : most;
  return `Any key may have ${number} here. The announcement names ${base} in its clone and relays tags.`;
}
