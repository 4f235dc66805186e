import type { EventTemplate } from './event.ts';
import { firstValue } from './tags.ts';

/**
 * When an event ends by its `expiration` tag (NIP-40), in seconds; undefined when it does not, which a tag that is no
 * whole number of seconds means too.
 */
export function expirationOf(event: Pick<EventTemplate, 'tags'>): number | undefined {
  const text = firstValue(event, 'expiration');
  if (text === undefined || !/^[0-9]{1,15}$/.test(text)) return undefined;
  return Number(text);
}

/** True once the second named by the `expiration` tag has come. @param now seconds */
export function isExpired(event: Pick<EventTemplate, 'tags'>, now: number): boolean {
  const at = expirationOf(event);
  return at !== undefined && now >= at;
}
