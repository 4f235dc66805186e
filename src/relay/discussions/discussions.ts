import type { NostrEvent } from '../../nostr/event.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { Authenticated } from '../publication.ts';
import { CheckRuns } from './check-runs.ts';
import { type DiscussionContext, keysThatCount, seenEvent } from './discussion-context.ts';
import { People } from './people.ts';
import { ThreadLists } from './thread-lists.ts';
import { ThreadReader } from './thread-reader.ts';

/** What is said here about repositories, as its readers ask for it. */
export class Discussions {
  readonly lists: ThreadLists;
  readonly threads: ThreadReader;
  readonly checks: CheckRuns;
  readonly people: People;
  private readonly context: DiscussionContext;

  constructor(context: DiscussionContext) {
    this.context = context;
    this.lists = new ThreadLists(context);
    this.threads = new ThreadReader(context);
    this.checks = new CheckRuns(context);
    this.people = new People(context);
  }

  /** An event about a repository; undefined when it is not here, not for this reader, or about others. */
  event({ owner, identifier }: RepositoryId, id: string, reader: Authenticated): NostrEvent | undefined {
    const event = seenEvent(this.context, id, reader);
    if (event === undefined) return undefined;
    const isAbout = this.context
      .mentions(event)
      .some((named) => named.owner === owner && named.announcement.identifier === identifier);
    return isAbout ? event : undefined;
  }

  /** The keys that maintain a repository besides its owner: those whose word counts there. */
  maintainers(repository: RepositoryId): readonly string[] {
    return keysThatCount(this.context, repository).filter((key) => key !== repository.owner);
  }
}
