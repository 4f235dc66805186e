/** A deletion request (NIP-09, kind 5): an author deletes own events. */

import { isDigest } from '../lib/digest.ts';
import { formatAddress, parseAddress } from './address.ts';
import type { EventHead } from './event.ts';
import { kinds } from './kinds.ts';
import { type Parsed, parsed, refused } from './parsed.ts';
import { values } from './tags.ts';

export interface Deletion {
  /** Id of the request. */
  readonly id: string;
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  /** Ids of single events. Their authors are known only when they are here. */
  readonly events: ReadonlySet<string>;
  /** Addresses of the author's own, as text: the request deletes all versions up to its date. */
  readonly addresses: ReadonlySet<string>;
}

/**
 * Parses a deletion request. Drops addresses of other authors: nobody may delete another author's events.
 * @returns a refusal when it names nothing that it could delete
 */
export function parseDeletion(event: EventHead): Parsed<Deletion> {
  if (event.kind !== kinds.deletion) return refused(`not a deletion request: its kind is ${event.kind}`);
  const events = new Set(values(event, 'e').filter(isDigest));
  const addresses = values(event, 'a')
    .map(parseAddress)
    .filter((address) => address !== undefined)
    .filter((address) => address.pubkey === event.pubkey)
    .map(formatAddress);
  if (events.size === 0 && addresses.length === 0) {
    return refused('the request names no event (e tag) and no address of its author (a tag)');
  }
  return parsed({
    id: event.id,
    author: event.pubkey,
    at: event.created_at,
    events,
    addresses: new Set(addresses),
  });
}
