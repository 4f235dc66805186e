/** What a relay says to a client, as the text of one WebSocket message (NIP-01, 42, 45). */
/**
 * The word a program reads in front of a reason. Those of NIP-01 and NIP-42; `unsupported` as NIP-01 has it in an
 * example; `purgatory` of GRASP-01: taken, and not shown before the git data is here.
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

/** A reason for people behind a word for programs. */
export type Reason = `${ReasonPrefix}: ${string}`;

/** @param encoded the JSON of an event, made once however many receive it */
export function eventMessage(subscription: string, encoded: string): string {
  return `["EVENT",${JSON.stringify(subscription)},${encoded}]`;
}

/** The event was taken. @param note what there is to say about it, if anything */
export function acceptedMessage(eventId: string, note: Reason | '' = ''): string {
  return JSON.stringify(['OK', eventId, true, note]);
}

/** The event was not taken. */
export function rejectedMessage(eventId: string, reason: Reason): string {
  return JSON.stringify(['OK', eventId, false, reason]);
}

/** What was stored has been sent; what comes now is new. */
export function endOfStoredMessage(subscription: string): string {
  return JSON.stringify(['EOSE', subscription]);
}

/** The relay ends a subscription, or refuses a REQ or COUNT. */
export function closedMessage(subscription: string, reason: Reason): string {
  return JSON.stringify(['CLOSED', subscription, reason]);
}

/** Something for a person to read, when there is no event and no subscription to answer for. */
export function noticeMessage(text: string): string {
  return JSON.stringify(['NOTICE', text]);
}

/** Asks the client to say who it is by signing the challenge. */
export function authMessage(challenge: string): string {
  return JSON.stringify(['AUTH', challenge]);
}

export function countMessage(query: string, count: number): string {
  return JSON.stringify(['COUNT', query, { count }]);
}
