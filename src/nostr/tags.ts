/** Reading the tags of an event: `[name, value, …]`. */
import type { EventTemplate, Tag } from './event.ts';

type Tagged = Pick<EventTemplate, 'tags'>;

/** Every tag with that name, in sequence. */
export function tagsNamed(event: Tagged, name: string): Tag[] {
  return event.tags.filter((tag) => tag[0] === name);
}

/** The value of the first tag with that name; undefined when there is none or it has no value. */
export function firstValue(event: Tagged, name: string): string | undefined {
  return event.tags.find((tag) => tag[0] === name)?.[1];
}

/** The first value of every tag with that name: the one that relays index. Tags without a value are left out. */
export function values(event: Tagged, name: string): string[] {
  return tagsNamed(event, name).flatMap((tag) => tag.slice(1, 2));
}

/**
 * Every value of every tag with that name. NIP-34 puts all values of `clone`, `relays` and the like into one tag; some clients
 * write a tag for each. Both give the same result.
 */
export function allValues(event: Tagged, name: string): string[] {
  return tagsNamed(event, name).flatMap((tag) => tag.slice(1));
}

/** True for an event that only its author may publish (NIP-70): it has the tag `["-"]`. */
export function isProtected(event: Tagged): boolean {
  return event.tags.some((tag) => tag[0] === '-');
}
