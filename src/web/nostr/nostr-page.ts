import type { z } from 'zod';
import type { RepositoryViews } from '../../browse/repository-views.ts';
import type { PageWord } from '../../nostr/repository-url.ts';
import type { Discussions } from '../../relay/discussions/discussions.ts';
import type { Authenticated } from '../../relay/publication.ts';
import type { RefHistory } from '../../relay/states/ref-history.ts';
import type { PageDescription } from '../code/code-page.ts';
import type { CodeContext } from '../code/frame.ts';
import type { FoundRepository } from '../find-repository.ts';
import type { Html } from '../layout.ts';
import type { Representation } from '../representation.ts';
import type { PeopleOnPage } from './people/people-on-page.ts';
import type { RenderedTexts } from './text/rendered-texts.ts';

/** What pages about events are read from. */
export interface NostrSources {
  readonly discussions: Discussions;
  readonly history: RefHistory;
  readonly views: RepositoryViews;
  readonly texts: RenderedTexts;
}

/** A request for a page about events of a repository that the visitor may read. */
export interface NostrRequest {
  readonly sources: NostrSources;
  readonly found: FoundRepository;
  readonly code: CodeContext;
  /** The keys that the visitor has shown. */
  readonly reader: Authenticated;
  readonly people: PeopleOnPage;
  /** Of the path behind the word, as text. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly representation: Representation;
}

/**
 * A page about events. It follows from what the relay has now, so it is made for each request; its validator tells whether
 * the visitor has the same one.
 */
export interface NostrPage<Content, Json> {
  readonly word: PageWord;
  readonly description: PageDescription;
  /**
   * @returns the content, or the path of the page to go to instead
   * @throws CairnError `not-found`, `too-large`, `busy`, `unavailable`
   */
  read(request: NostrRequest): Promise<Content | Redirection>;
  html(request: NostrRequest, content: Content): Html;
  readonly json: {
    readonly schema: z.ZodType<Json>;
    of(request: NostrRequest, content: Content): Json;
  };
}

/** The same thing has another page. */
export class Redirection {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }
}

/** A page in the list of all: its types are its own matter. */
export interface ListedNostrPage {
  readonly word: PageWord;
  readonly description: PageDescription;
  readonly schema: z.ZodType;
  make(request: NostrRequest): Promise<string | Redirection>;
}

/** Makes a page ready for the list of all. */
export function listedNostr<Content, Json>(page: NostrPage<Content, Json>): ListedNostrPage {
  return {
    word: page.word,
    description: page.description,
    schema: page.json.schema,
    make: async (request) => {
      const content = await page.read(request);
      if (content instanceof Redirection) return content;
      return request.representation === 'json'
        ? JSON.stringify(page.json.of(request, content))
        : String(await page.html(request, content));
    },
  };
}
