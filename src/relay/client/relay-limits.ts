/** What the relay allows one client, and all clients together. The NIP-11 document tells clients what they need to know. */

import type { Rate } from '../../lib/token-bucket.ts';
import { type ClientMessageLimits, defaultClientMessageLimits } from '../../nostr/client-message.ts';
import type { Amount } from '../log/event-charges.ts';
import type { EventQuotas } from '../log/event-quota.ts';

export interface RelayLimits {
  /** Maximum length of a message, in bytes of UTF-8. */
  readonly messageBytes: number;
  readonly message: ClientMessageLimits;
  /** How many stored events answer one filter at most. */
  readonly eventsPerFilter: number;
  readonly subscriptionsPerConnection: number;
  /** Bytes of the messages that opened the subscriptions, plus 256 for each filter. */
  readonly filterBytesPerConnection: number;
  readonly filterBytesPerAddress: number;
  /** How many keys may authenticate on one connection (NIP-42). */
  readonly keysPerConnection: number;
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly perConnection: ClientRates;
  readonly perAddress: ClientRates;
  /** How much one address may store in a minute. */
  readonly perMinute: Amount;
  readonly stored: EventQuotas;
  /** Refusals because of a rate limit, after which a connection is ended. */
  readonly refusals: Rate;
}

export interface ClientRates {
  /** All messages. A message that is long or asks for much counts several times. */
  readonly messages: Rate;
  /** EVENT messages. */
  readonly events: Rate;
}

const MIB = 1024 * 1024;

export const defaultRelayLimits: RelayLimits = {
  messageBytes: 512 * 1024,
  message: defaultClientMessageLimits,
  eventsPerFilter: 500,
  subscriptionsPerConnection: 32,
  filterBytesPerConnection: MIB,
  filterBytesPerAddress: 4 * MIB,
  keysPerConnection: 16,
  connections: 4_096,
  connectionsPerAddress: 64,
  perConnection: {
    messages: { perSecond: 50, burst: 400 },
    events: { perSecond: 20, burst: 200 },
  },
  perAddress: {
    messages: { perSecond: 200, burst: 2_000 },
    events: { perSecond: 50, burst: 500 },
  },
  perMinute: { events: 1_200, bytes: 32 * MIB },
  stored: {
    member: { events: 100_000, bytes: 512 * MIB },
    stranger: { events: 10_000, bytes: 64 * MIB },
    repository: { events: 50_000, bytes: 128 * MIB },
    unclaimed: { events: 20_000, bytes: 32 * MIB },
    indexBytes: 384 * MIB,
  },
  refusals: { perSecond: 5, burst: 200 },
};
