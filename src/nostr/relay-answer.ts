/** Messages from relay to client, parsed from the text of one WebSocket message (NIP-01, 42): the counterpart of relay-message. */
import { type EventLimits, type NostrEvent, parseEvent } from './event.ts';
import { type Parsed, parsed, refused } from './parsed.ts';

export type RelayAnswer =
  /** An event for a subscription. Its signature is not checked yet. */
  | { readonly type: 'EVENT'; readonly subscription: string; readonly event: NostrEvent }
  /** The result of an event, or of an AUTH, that we sent. */
  | { readonly type: 'OK'; readonly eventId: string; readonly accepted: boolean; readonly note: string }
  | { readonly type: 'EOSE'; readonly subscription: string }
  | { readonly type: 'CLOSED'; readonly subscription: string; readonly reason: string }
  | { readonly type: 'NOTICE'; readonly text: string }
  | { readonly type: 'AUTH'; readonly challenge: string }
  /** A type of message that we did not ask for. */
  | { readonly type: 'other' };

/** Limits for a relay of the user's own choice: states of large repositories have tens of thousands of tags. */
export const answeredEventLimits: EventLimits = {
  maxTags: 200_000,
  maxTagElements: 10_000,
  maxContentBytes: 4 * 1024 * 1024,
  maxBytes: 32 * 1024 * 1024,
};

/** Parses one message. The caller has bounded the length of the text. */
export function parseRelayAnswer(text: string): Parsed<RelayAnswer> {
  const message = parseJson(text);
  if (!Array.isArray(message)) return refused('a message is a JSON array');
  const [type, first, second, third] = message as unknown[];
  switch (type) {
    case 'EVENT': {
      const event = parseEvent(second, answeredEventLimits);
      if (typeof first !== 'string') return refused('an EVENT without a subscription');
      return event.ok ? parsed({ type, subscription: first, event: event.value }) : event;
    }
    case 'OK':
      if (typeof first !== 'string' || typeof second !== 'boolean') return refused('an OK for no event');
      return parsed({ type, eventId: first, accepted: second, note: textOr(third) });
    case 'EOSE':
      return typeof first === 'string'
        ? parsed({ type, subscription: first })
        : refused('an EOSE without a subscription');
    case 'CLOSED':
      return typeof first === 'string'
        ? parsed({ type, subscription: first, reason: textOr(second) })
        : refused('a CLOSED without a subscription');
    case 'NOTICE':
      return parsed({ type, text: textOr(first) });
    case 'AUTH':
      return typeof first === 'string'
        ? parsed({ type, challenge: first })
        : refused('an AUTH without a challenge');
    default:
      return parsed({ type: 'other' });
  }
}

function textOr(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // It is not a message; the reason does not matter.
    return undefined;
  }
}
