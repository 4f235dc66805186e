import type { Clock } from '../../lib/clock.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import type { Repositories } from '../../repository/repositories.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { type FoundRepository, recentRepository } from '../find-repository.ts';
import type { MadePage } from '../made-page.ts';
import { type PageAnswer, pageAnswer } from '../page-answer.ts';
import { PageTraffic } from '../page-traffic.ts';
import type { ShownNames } from '../repository-title.ts';
import { plainRepresentation, type Representation } from '../representation.ts';
import type { About } from './about.ts';
import type { CodePath } from './code-path.ts';
import { KnownPages } from './known-pages.ts';
import { PageCache } from './page-cache.ts';
import type { PageDisk } from './page-disk.ts';

/** Bytes of pages in memory. */
const CACHE = 64 * 1024 * 1024;

export interface KeptPagesContext {
  readonly repositories: Pick<Repositories, 'get'>;
  /** Pages on disk. Absent: they are kept in memory alone. */
  readonly disk?: PageDisk;
  readonly clock: Clock;
  /** What people call a repository and its owner. */
  readonly namesOf: (id: RepositoryId, isPublic: boolean) => ShownNames;
  /** The description of a repository, for visitors who may read it. */
  readonly aboutOf?: (id: RepositoryId, isPublic: boolean, published: GitManifest) => About;
}

/** What a page depends on besides its URL and what the program is. */
export interface PageFacts {
  readonly names: ShownNames;
  /** Of the overview alone. */
  readonly about: About | undefined;
  /** All of it, with the state and the reader. */
  readonly text: string;
}

/** A GET request without a body, as far as the answer with a page depends on it. */
export interface PageRequest {
  /** The whole URL. */
  readonly url: string;
  /** The network address of the visitor. */
  readonly caller: string;
  readonly headers: {
    readonly [name in 'accept' | 'accept-encoding' | 'if-none-match']?: string | undefined;
  };
}

/** The pages of code that are kept, and which requests they answer. */
export class KeptPages {
  readonly cache: PageCache;
  readonly traffic: PageTraffic;
  private readonly context: KeptPagesContext;
  private readonly known = new KnownPages();

  constructor(context: KeptPagesContext) {
    this.context = context;
    this.cache = new PageCache(CACHE, context.clock, context.disk);
    this.traffic = new PageTraffic(context.clock);
  }

  /** What a page of a repository depends on now. */
  factsOf(
    { published, reader, isPublic }: FoundRepository,
    { id, word }: Pick<CodePath, 'id' | 'word'>,
  ): PageFacts {
    const names = this.context.namesOf(id, isPublic);
    const about = word === '' ? this.context.aboutOf?.(id, isPublic, published.manifest) : undefined;
    const text = JSON.stringify([published.digest, names, about ?? null, reader ?? null]);
    return { names, about, text };
  }

  /** The page of a URL, if it was asked for since the facts changed, and is in memory. */
  page(url: string, representation: Representation, facts: PageFacts): MadePage | undefined {
    const known = this.known.get(`${representation} ${url}`);
    return known?.facts === facts.text ? this.cache.kept(known.key) : undefined;
  }

  /** @param key of {@link PageCache.page} */
  remember(url: string, representation: Representation, path: CodePath, facts: PageFacts, key: string): void {
    this.known.remember(`${representation} ${url}`, { path, facts: facts.text, key });
  }

  /**
   * Answers a request with the page that everybody got for the same URL and that is still right. It sends no request to the store, and does
   * nothing else that {@link codeRoutes} could do for it.
   * @returns undefined if more is needed, or the visitor has to wait
   */
  async answer({ url, caller, headers }: PageRequest): Promise<PageAnswer | undefined> {
    const representation = plainRepresentation(headers.accept);
    if (representation === undefined) return undefined;
    const known = this.known.get(`${representation} ${url}`);
    if (known === undefined) return undefined;
    const found = await recentRepository(this.context.repositories, known.path.id);
    if (found === undefined) return undefined;
    const page = this.page(url, representation, this.factsOf(found, known.path));
    if (page === undefined || this.traffic.admit(caller) > 0) return undefined;
    return pageAnswer(page, representation, {
      acceptEncoding: headers['accept-encoding'],
      ifNoneMatch: headers['if-none-match'],
    });
  }
}
