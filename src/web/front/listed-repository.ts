import type { Announcement } from '../../nostr/announcement.ts';
import type { Place } from './sorts.ts';
import { copied, wordsOf } from './word-index.ts';

/** Words of a repository that are searched: of its name, and of all together. Topics come before the description. */
const NAME_WORDS = 8;
const WORDS = 20;
const TOPICS = 5;
const TOPIC = 40;
/** Characters of a name that repositories are sorted by. */
const SORTED = 40;

/** The part of each listed repository that is in memory, some 3 KiB at most. The rest is read when it is shown. */
export interface ListedRepository extends Omit<Place, 'pushed'> {
  /** As in a {@link Place}; only `ListedRepositories.setPushed` changes it. */
  pushed: number;
  readonly words: readonly string[];
  readonly topics: readonly string[];
}

/** @param pushed seconds; 0 if that is not known */
export function listedRepository(announcement: Announcement, pushed: number): ListedRepository {
  const { owner, identifier, name = '', description = '', at } = announcement;
  const topics = topicsOf(announcement).slice(0, TOPICS);
  const words = new Set(wordsOf(`${identifier} ${name}`, NAME_WORDS));
  for (const topic of topics) words.add(copied(topic.slice(0, 24)));
  for (const word of wordsOf(description, WORDS)) if (words.size < WORDS) words.add(word);
  return {
    owner: copied(owner),
    identifier: copied(identifier),
    at,
    pushed,
    name: copied(nameOf(announcement).slice(0, SORTED).toLowerCase()),
    words: [...words],
    topics,
  };
}

/** The name of a repository for people. */
export function nameOf({ name, identifier }: Pick<Announcement, 'name' | 'identifier'>): string {
  return name?.trim() || identifier;
}

/** The topics of a repository, in lower case, each once. */
export function topicsOf({ hashtags }: Pick<Announcement, 'hashtags'>): string[] {
  const topics = hashtags
    .slice(0, 50)
    .map((tag) => copied(tag.slice(0, TOPIC).trim().replace(/^#/, '').toLowerCase()))
    // A tag that marks a fork is no topic (NIP-34).
    .filter((topic) => topic !== '' && topic !== 'personal-fork');
  return [...new Set(topics)];
}
