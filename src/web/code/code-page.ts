import type { z } from 'zod';
import type { RepositoryView } from '../../browse/repository-view.ts';
import type { PageWord } from '../../nostr/repository-url.ts';
import type { PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { Html } from '../layout.ts';
import type { Renderer } from '../render/render-pool.ts';
import type { Representation } from '../representation.ts';
import type { CodeContext } from './frame.ts';

/** What the reference of the API says about a page. */
export interface PageDescription {
  readonly summary: string;
  /** Below the repository: `tree/{revision}/{path}`. */
  readonly path: string;
  /** Parameters of the query, each with its meaning. */
  readonly query?: Readonly<Record<string, string>>;
}

/** What a page is read from. */
export interface PageSources {
  readonly view: RepositoryView;
  readonly renderer: Renderer;
  /** The format of the response. Some contents are only for people. */
  readonly representation: Representation;
}

/**
 * One page about the content of a repository, for people and for programs. It is a function of object ids: whatever it depends on
 * is in its question, so that it can be kept.
 * @typeParam Question plain values, arrays, objects and Buffers
 * @typeParam Content plain data, from `browse/`
 * @typeParam Json what programs get
 */
export interface CodePage<Question, Content, Json> {
  /** The word in the URL that begins it; empty for the overview. */
  readonly word: PageWord | '';
  readonly description: PageDescription;
  /** True for a page that may take seconds, or which of its questions do: other pages do not wait for it. */
  readonly slow?: boolean | ((question: Question) => boolean);
  /** True for a page about a revision that people may look at in other branches and tags. */
  readonly offersRefs?: boolean;
  /**
   * Reads the URL. Pure and cheap.
   * @param segments of the path behind the word, decoded
   * @throws CairnError `not-found` for what the repository does not have, `invalid`
   */
  ask(
    context: CodeContext,
    published: PublishedGitState,
    segments: readonly Buffer[],
    query: URLSearchParams,
  ): Question;
  /** @throws CairnError `not-found`, `too-large`, `busy`, `unavailable` */
  read(sources: PageSources, question: Question): Promise<Content>;
  html(context: CodeContext, question: Question, content: Content): Html;
  readonly json: {
    readonly schema: z.ZodType<Json>;
    of(context: CodeContext, question: Question, content: Content): Json;
  };
}

/** A page whose question has been read from a URL. */
export interface AskedPage {
  /** What it depends on, beside its context and its representation. */
  readonly key: unknown;
  /** Whether it may take seconds. */
  readonly slow: boolean;
  make(sources: PageSources): Promise<string>;
}

/** A page in the list of all: its types are its own matter. */
export interface ListedPage {
  readonly word: PageWord | '';
  readonly description: PageDescription;
  readonly offersRefs: boolean;
  readonly schema: z.ZodType;
  ask(
    context: CodeContext,
    published: PublishedGitState,
    segments: readonly Buffer[],
    query: URLSearchParams,
  ): AskedPage;
}

/** Makes a page ready for the list of all. */
export function listed<Question, Content, Json>(page: CodePage<Question, Content, Json>): ListedPage {
  return {
    word: page.word,
    description: page.description,
    offersRefs: page.offersRefs === true,
    schema: page.json.schema,
    ask: (context, published, segments, query) => {
      const question = page.ask(context, published, segments, query);
      return {
        key: question,
        slow: typeof page.slow === 'function' ? page.slow(question) : page.slow === true,
        make: async (sources) => {
          const content = await page.read(sources, question);
          return sources.representation === 'json'
            ? JSON.stringify(page.json.of(context, question, content))
            : String(await page.html(context, question, content));
        },
      };
    },
  };
}
