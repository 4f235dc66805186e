/**
 * Messages from relay to client, as the text of one WebSocket message (NIP-01, 42, 45).
 */

/**
 * The word for programs before a reason. From NIP-01 and NIP-42; `unsupported` from an example in NIP-01; `purgatory` from
 * GRASP-01: accepted, but not shown until the git data is here.
 */
export type ReasonPrefix =
  | 'duplicate'
  | 'pow'
  | 'blocked'
  | 'rate-limited'
  | 'invalid'
  | 'restricted'
  | 'mute'
  | 'error'
  | 'auth-required'
  | 'unsupported'
  | 'purgatory';

/** A word for programs, then a reason for people. */
export type Reason = `${ReasonPrefix}: ${string}`;

/** @param encoded the JSON of an event; made once for all who receive it */
export function eventMessage(subscription: string, encoded: string): string {
  return `["EVENT",${JSON.stringify(subscription)},${encoded}]`;
}

/** The event was accepted. @param note what the sender should know about it; may be empty */
export function acceptedMessage(eventId: string, note: Reason | '' = ''): string {
  return JSON.stringify(['OK', eventId, true, note]);
}

/** The event was rejected. */
export function rejectedMessage(eventId: string, reason: Reason): string {
  return JSON.stringify(['OK', eventId, false, reason]);
}

/** All stored events have been sent; later ones are new. */
export function endOfStoredMessage(subscription: string): string {
  return JSON.stringify(['EOSE', subscription]);
}

/** The relay closes a subscription, or refuses a REQ or COUNT. */
export function closedMessage(subscription: string, reason: Reason): string {
  return JSON.stringify(['CLOSED', subscription, reason]);
}

/** A text for people, when there is no event and no subscription to answer. */
export function noticeMessage(text: string): string {
  return JSON.stringify(['NOTICE', text]);
}

/** Asks the client to authenticate by signing the challenge. */
export function authMessage(challenge: string): string {
  return JSON.stringify(['AUTH', challenge]);
}

export function countMessage(query: string, count: number): string {
  return JSON.stringify(['COUNT', query, { count }]);
}
