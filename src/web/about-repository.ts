import type { Announcement } from '../nostr/announcement.ts';
import { kinds } from '../nostr/kinds.ts';
import { values } from '../nostr/tags.ts';
import type { AccessMode } from '../policy/push-entry.ts';
import type { People } from '../relay/discussions/people.ts';
import type { EventReader } from '../relay/events.ts';
import type { Cause, RepositoryState } from '../repository/manifest.ts';
import type { RepositoryId } from '../repository/repository-id.ts';
import type { About, LastChange } from './code/about.ts';
import { topicsOf } from './front/listed-repository.ts';
import type { PublicRepositories } from './public-repositories.ts';

export interface AboutRepositoryContext {
  readonly access: AccessMode;
  readonly events: Pick<EventReader, 'latest'>;
  readonly announced: Pick<PublicRepositories, 'find' | 'known'>;
  /** Who people say they are. Absent: only their keys are shown. */
  readonly people?: Pick<People, 'profile'>;
  /** The key that signs the receipts of a repository. */
  readonly receiptKey?: (owner: string, identifier: string) => string;
}

/** Characters and entries that are kept of what an announcement may say. */
const DESCRIPTION = 4_000;
const WEB = 5;
const URL_LENGTH = 500;
const TOPICS = 20;
const ACTORS = 3;
const PEOPLE = 20;
const PERSON = 60;

/** The page is kept for all who may see it, so it shows what an anonymous visitor sees. */
const NOBODY: ReadonlySet<string> = new Set();

/** The owner's announcement, for visitors who may read the repository: all are the same if everybody may. */
export function announcementFor(
  { announced }: Pick<AboutRepositoryContext, 'announced'>,
  id: RepositoryId,
  isPublic: boolean,
): Announcement | undefined {
  return isPublic ? announced.find(id) : announced.known(id);
}

/**
 * What is said of a repository to those who may read it.
 * @param published causes and writers of its newest manifest
 */
export function aboutRepository(
  context: AboutRepositoryContext,
  id: RepositoryId,
  isPublic: boolean,
  published: {
    readonly causes: readonly Pick<Cause, 'actor'>[];
    readonly policy: Pick<RepositoryState['policy'], 'writers'>;
  },
): About {
  const { access } = context;
  const announcement = announcementFor(context, id, isPublic);
  const lastChange = lastReceipt(context, id);
  return {
    access,
    ...(announcement === undefined ? { web: [], topics: [] } : wordsOf(announcement)),
    ...(lastChange === undefined ? {} : { lastChange }),
    names: namesOf(context, [
      id.owner,
      ...(lastChange?.by ?? []),
      ...published.causes.flatMap(({ actor }) => actor ?? []),
      ...published.policy.writers,
    ]),
  };
}

/** The names that people give themselves, as everybody may see them. @param keys the first of them are looked up */
function namesOf(
  { people }: AboutRepositoryContext,
  keys: readonly string[],
): Readonly<Record<string, string>> {
  const names: Record<string, string> = {};
  for (const key of [...new Set(keys)].slice(0, PEOPLE)) {
    const name = publicName(people, key);
    if (name !== undefined) names[key] = name;
  }
  return names;
}

/** The name that somebody chose, as everybody may see it. @param key in hex */
export function publicName(people: AboutRepositoryContext['people'], key: string): string | undefined {
  return people?.profile(key, NOBODY)?.name?.trim().slice(0, PERSON) || undefined;
}

function wordsOf(announcement: Announcement): Pick<About, 'description' | 'web' | 'topics'> {
  const description = announcement.description?.trim().slice(0, DESCRIPTION) ?? '';
  return {
    ...(description === '' ? {} : { description }),
    web: announcement.web.slice(0, 100).filter(isWebLink).slice(0, WEB),
    topics: topicsOf(announcement).slice(0, TOPICS),
  };
}

function lastReceipt(
  { events, receiptKey }: AboutRepositoryContext,
  id: RepositoryId,
): LastChange | undefined {
  if (receiptKey === undefined) return undefined;
  const receipt = events.latest(kinds.repositoryState, receiptKey(id.owner, id.identifier), id.identifier);
  if (receipt === undefined) return undefined;
  return { at: receipt.created_at, by: values(receipt, 'p').slice(0, ACTORS) };
}

/** An announcement may contain any text; only web URLs become links. */
function isWebLink(url: string): boolean {
  return url.length <= URL_LENGTH && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
