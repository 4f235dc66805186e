/** Messages from client to relay, parsed from the text of one WebSocket message (NIP-01, 42, 45). */
import { defaultEventLimits, type EventLimits, type NostrEvent, parseEvent } from './event.ts';
import { defaultFilterLimits, type Filter, type FilterLimits, parseFilter } from './filter.ts';
import { parsed } from './parsed.ts';
import { closedMessage, noticeMessage, rejectedMessage } from './relay-message.ts';

export type ClientMessage =
  /** Publish an event, or (AUTH) authenticate. The signature is not checked yet. */
  | { readonly type: 'EVENT' | 'AUTH'; readonly event: NostrEvent }
  /** Subscribe, or (COUNT) count what matches any of the filters. */
  | { readonly type: 'REQ' | 'COUNT'; readonly subscription: string; readonly filters: readonly Filter[] }
  | { readonly type: 'CLOSE'; readonly subscription: string };

export interface ClientMessageLimits {
  readonly event: EventLimits;
  readonly filter: FilterLimits;
  /** How many filters a REQ or COUNT may have. */
  readonly maxFilters: number;
}

export const defaultClientMessageLimits: ClientMessageLimits = {
  event: defaultEventLimits,
  filter: defaultFilterLimits,
  maxFilters: 20,
};

/** Maximum characters of a subscription id (NIP-01). */
export const maxSubscriptionLength = 64;

/** A message that cannot be processed, and its answer: OK for an event, CLOSED for a subscription, otherwise NOTICE. */
export interface ClientMessageRefused {
  readonly ok: false;
  /** The text to send back. */
  readonly answer: string;
  /** The subscription that the answer closes, even if it was open before. */
  readonly subscription?: string;
}

export type ParsedClientMessage = { readonly ok: true; readonly value: ClientMessage } | ClientMessageRefused;

/** Parses one message. The caller has bounded the length of the text. */
export function parseClientMessage(
  text: string,
  limits: ClientMessageLimits = defaultClientMessageLimits,
): ParsedClientMessage {
  const message = parseJson(text);
  if (!Array.isArray(message)) return notice('invalid: a message is a JSON array');
  const [type, ...rest] = message as unknown[];
  if (type === 'EVENT' || type === 'AUTH') return eventOf(type, rest[0], limits);
  if (type === 'REQ' || type === 'COUNT') return queryOf(type, rest, limits);
  if (type === 'CLOSE') {
    const [subscription] = rest;
    return isSubscription(subscription) ? parsed({ type, subscription }) : badSubscription(type);
  }
  return notice('unsupported: this relay knows the messages EVENT, REQ, CLOSE, COUNT and AUTH');
}

function eventOf(type: 'EVENT' | 'AUTH', value: unknown, limits: ClientMessageLimits): ParsedClientMessage {
  const event = parseEvent(value, limits.event);
  if (event.ok) return parsed({ type, event: event.value });
  const id = idOf(value);
  if (id === undefined) return notice(`invalid: ${type}: ${event.reason}`);
  return { ok: false, answer: rejectedMessage(id, `invalid: ${event.reason}`) };
}

/** The id by which the sender recognizes the event, valid or not; every EVENT with one gets an OK. */
function idOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('id' in value)) return undefined;
  const { id } = value;
  return typeof id === 'string' && id !== '' && id.length <= 64 ? id : undefined;
}

function queryOf(type: 'REQ' | 'COUNT', rest: unknown[], limits: ClientMessageLimits): ParsedClientMessage {
  const [subscription, ...given] = rest;
  if (!isSubscription(subscription)) return badSubscription(type);
  const close = (reason: Parameters<typeof closedMessage>[1]): ClientMessageRefused => ({
    ok: false,
    answer: closedMessage(subscription, reason),
    subscription,
  });
  if (given.length === 0) return close(`invalid: ${type} has no filter`);
  if (given.length > limits.maxFilters) return close(`invalid: more than ${limits.maxFilters} filters`);
  const filters: Filter[] = [];
  for (const value of given) {
    const filter = parseFilter(value, limits.filter);
    if (!filter.ok) return close(`${filter.prefix}: ${filter.reason}`);
    filters.push(filter.value);
  }
  return parsed({ type, subscription, filters });
}

function isSubscription(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxSubscriptionLength;
}

function badSubscription(type: string): ClientMessageRefused {
  return notice(`invalid: ${type} needs a subscription id of 1 to ${maxSubscriptionLength} characters`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // It is not a message; the reason does not matter.
    return undefined;
  }
}

function notice(text: string): ClientMessageRefused {
  return { ok: false, answer: noticeMessage(text) };
}
