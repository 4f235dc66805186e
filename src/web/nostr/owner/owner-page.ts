import type { Representation } from '../../representation.ts';
import { PeopleOnPage } from '../people/people-on-page.ts';
import { ownerHtml } from './owner-html.ts';
import { ownerJson } from './owner-json.ts';
import { type PeopleRead, readOwner } from './read-owner.ts';

export { unknownOwnerHtml } from './owner-html.ts';

/**
 * Makes the page of a person: what the key says of itself, its repositories here, what it did lately.
 * @param base the public base URL of the service
 * @param key public key in hex
 * @param visitor key of a visitor who has signed in
 * @returns undefined when nothing is known that the visitor may see
 */
export async function makeOwnerPage(
  people: PeopleRead,
  base: string,
  key: string,
  visitor: string | undefined,
  representation: Representation,
): Promise<string | undefined> {
  const reader = new Set(visitor === undefined ? [] : [visitor]);
  const content = await readOwner(people, base, key, reader);
  if (content === undefined) return undefined;
  const shown = new PeopleOnPage(people, reader);
  if (representation === 'json') return JSON.stringify(ownerJson(shown, content));
  return String(await ownerHtml(base, shown, content, visitor));
}
