import { type EventTemplate, maxKind } from './event.ts';
import { eventClass } from './event-class.ts';
import { isPublicKey } from './public-key.ts';
import { firstValue } from './tags.ts';

/** What an `a` tag names: the newest event of an author and kind, and for addressable kinds of an identifier. */
export interface Address {
  readonly kind: number;
  readonly pubkey: string;
  /** The `d` tag; empty for replaceable kinds. */
  readonly identifier: string;
}

/**
 * Parses `<kind>:<pubkey>:<identifier>`. Only the first two colons separate: an identifier may contain colons.
 * @returns undefined when it is not an address
 */
export function parseAddress(text: string): Address | undefined {
  const [, kindText, pubkey, identifier] = /^(0|[1-9][0-9]{0,4}):([^:]*):(.*)$/s.exec(text) ?? [];
  const kind = Number(kindText);
  if (pubkey === undefined || !isPublicKey(pubkey) || identifier === undefined || kind > maxKind)
    return undefined;
  return { kind, pubkey, identifier };
}

export function formatAddress(address: Address): string {
  return `${address.kind}:${address.pubkey}:${address.identifier}`;
}

/**
 * The address of an event; undefined for kinds without addresses. An addressable event without a `d` tag counts as one with
 * an empty `d` tag.
 */
export function addressOf(
  event: Pick<EventTemplate, 'kind' | 'tags'> & { readonly pubkey: string },
): Address | undefined {
  const { kind, pubkey } = event;
  const kept = eventClass(kind);
  if (kept === 'replaceable') return { kind, pubkey, identifier: '' };
  if (kept === 'addressable') return { kind, pubkey, identifier: firstValue(event, 'd') ?? '' };
  return undefined;
}
