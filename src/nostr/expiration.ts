import type { EventTemplate } from './event.ts';
import { firstValue } from './tags.ts';

/**
 * When an event expires by its `expiration` tag (NIP-40), in seconds; undefined when it does not, or when the tag is not a
 * whole number of seconds.
 */
export function expirationOf(event: Pick<EventTemplate, 'tags'>): number | undefined {
  const text = firstValue(event, 'expiration');
  if (text === undefined || !/^[0-9]{1,15}$/.test(text)) return undefined;
  return Number(text);
}

/** True from the second on that the `expiration` tag names. @param now seconds */
export function isExpired(event: Pick<EventTemplate, 'tags'>, now: number): boolean {
  const at = expirationOf(event);
  return at !== undefined && now >= at;
}
