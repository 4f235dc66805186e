/** Writing repository announcements (NIP-34, kind 30617). */
import type { RepositoryFacts } from './announcement.ts';
import type { EventTemplate, NostrEvent, Tag } from './event.ts';
import { kinds } from './kinds.ts';

const ownTags = new Set([
  'd',
  'name',
  'description',
  'clone',
  'web',
  'relays',
  'maintainers',
  't',
  'protect',
  'private',
  'reader',
  'object-format',
  'vcs',
]);

/**
 * An announcement to sign.
 * @param at seconds
 * @param otherTags tags to add, such as {@link foreignTags} of the announcement that it replaces
 */
export function announcementTemplate(
  facts: RepositoryFacts,
  at: number,
  otherTags: readonly Tag[] = [],
): EventTemplate {
  const { name, description, earliestUniqueCommit, objectFormat, vcs } = facts;
  const tags: Tag[] = [['d', facts.identifier]];
  if (name !== undefined) tags.push(['name', name]);
  if (description !== undefined) tags.push(['description', description]);
  for (const list of ['clone', 'web', 'relays', 'maintainers'] as const) {
    if (facts[list].length > 0) tags.push([list, ...facts[list]]);
  }
  if (earliestUniqueCommit !== undefined) tags.push(['r', earliestUniqueCommit, 'euc']);
  for (const hashtag of facts.hashtags) tags.push(['t', hashtag]);
  for (const { pattern, rules } of facts.protection) tags.push(['protect', pattern, ...rules]);
  if (facts.private) tags.push(['private', 'true']);
  if (facts.readers.length > 0) tags.push(['reader', ...facts.readers]);
  if (objectFormat !== undefined) tags.push(['object-format', objectFormat]);
  if (vcs !== undefined) tags.push(['vcs', vcs]);
  return { kind: kinds.repository, created_at: at, tags: [...tags, ...otherTags], content: '' };
}

/** The tags of an announcement that {@link RepositoryFacts} do not cover. A new announcement must keep them. */
export function foreignTags(announcement: NostrEvent): Tag[] {
  return announcement.tags.filter(
    ([name = '', , marker]) => !ownTags.has(name) && !(name === 'r' && marker === 'euc'),
  );
}
