import type { z } from 'zod';
import type { FossilView } from '../../browse/fossil/fossil-view.ts';
import type { PageDescription } from '../code/code-page.ts';
import type { Html } from '../layout.ts';
import type { Renderer } from '../render/render-pool.ts';
import type { Representation } from '../representation.ts';
import type { FossilContext } from './fossil-frame.ts';
import type { FossilLinks } from './fossil-links.ts';
import type { FossilWord } from './fossil-word.ts';

/** What pages are made from. */
export interface FossilSources {
  readonly view: FossilView;
  readonly renderer: Renderer;
}

/**
 * One page about the content of a Fossil repository, for people and for programs. It is a function of the published state and its
 * question, so that it can be kept.
 * @typeParam Question plain values
 */
export interface FossilPage<Question, Content, Json> {
  /** Empty for the repository's own page. */
  readonly word: FossilWord | '';
  readonly description: PageDescription;
  /**
   * Reads the URL. Pure and cheap.
   * @param segments of the path behind the word, decoded
   * @throws CairnError `not-found` for paths that are not of this page
   */
  ask(segments: readonly string[], query: URLSearchParams): Question;
  /**
   * @param renderer highlights code; absent if it is not shown
   * @param links of the repository, for texts that have links of their own
   * @throws CairnError `not-found`, `too-large`, `busy`, `unavailable`
   */
  read(
    view: FossilView,
    question: Question,
    renderer: Renderer | undefined,
    links: FossilLinks,
  ): Promise<Content>;
  html(context: FossilContext, question: Question, content: Content): Html;
  readonly json: {
    readonly schema: z.ZodType<Json>;
    of(question: Question, content: Content, context: FossilContext): Json;
  };
}

/** A page in the list of all: its types are its own matter. */
export interface ListedFossilPage {
  readonly word: FossilWord | '';
  readonly description: PageDescription;
  readonly schema: z.ZodType;
  ask(segments: readonly string[], query: URLSearchParams): AskedFossilPage;
}

/** A page whose question has been read from a URL. */
export interface AskedFossilPage {
  /** What it depends on, beside the state, its context and its representation. */
  readonly key: unknown;
  make(sources: FossilSources, context: FossilContext, representation: Representation): Promise<string>;
}

/** Makes a page ready for the list of all. */
export function listed<Question, Content, Json>(page: FossilPage<Question, Content, Json>): ListedFossilPage {
  return {
    word: page.word,
    description: page.description,
    schema: page.json.schema,
    ask: (segments, query) => {
      const question = page.ask(segments, query);
      return {
        key: question,
        make: async ({ view, renderer }, context, representation) => {
          const marking = representation === 'html' ? renderer : undefined;
          const content = await page.read(view, question, marking, context.links);
          return representation === 'json'
            ? JSON.stringify(page.json.of(question, content, context))
            : String(await page.html(context, question, content));
        },
      };
    },
  };
}
