import { type Context, Hono } from 'hono';
import { type BranchFiles, branchFilesOf, knownBranchFiles } from '../../browse/branch-files.ts';
import { refChoicesOf } from '../../browse/refs/ref-choices.ts';
import type { RepositoryViews } from '../../browse/repository-views.ts';
import type { Clock } from '../../lib/clock.ts';
import { isCairnError } from '../../lib/errors.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import type { Repositories } from '../../repository/repositories.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import {
  type FoundRepository,
  findRepository,
  lastSeenRepository,
  recentRepository,
} from '../find-repository.ts';
import type { MadePage } from '../made-page.ts';
import { notFound, refuse, tooMany } from '../refuse.ts';
import { NO_RENDERER, type Renderer } from '../render/render-pool.ts';
import { tellingRenderer } from '../render/telling-renderer.ts';
import type { ShownNames } from '../repository-title.ts';
import { representationOf } from '../representation.ts';
import { callerOf } from '../request-context.ts';
import { sendPage } from '../send-page.ts';
import { privateAnswer } from '../session/private-answer.ts';
import type { CodeDownload } from './code-download.ts';
import { CodeLinks, encodeSegment } from './code-links.ts';
import type { ListedPage } from './code-page.ts';
import type { CodePath } from './code-path.ts';
import type { KeptDownloads } from './downloads/kept-downloads.ts';
import { type CodeContext, codePage, contextKey } from './frame.ts';
import type { KeptPages } from './kept-pages.ts';
import { KnownPaths } from './known-paths.ts';
import { LiesElsewhere } from './lies-elsewhere.ts';
import { type CodeAnswers, loadCode } from './load-code.ts';
import { pageKey } from './page-cache.ts';
import { withIdOfRef, withWholeIds } from './whole-ids.ts';

export interface CodeRoutesContext {
  readonly repositories: Pick<Repositories, 'get'>;
  readonly views: Pick<RepositoryViews, 'read'>;
  /** Absent: files are shown as they are. */
  readonly renderer?: Renderer;
  /** Keeps large answers. Absent: there are no archives, and large files are not sent. */
  readonly downloads?: KeptDownloads;
  /** The pages that are kept, and how much work they are to visitors. */
  readonly kept: KeptPages;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  readonly clock: Clock;
  /** What people call a repository and its owner. */
  readonly namesOf: (id: RepositoryId, isPublic: boolean) => ShownNames;
  /** The key of a visitor who has signed in. Absent: signing in is turned off. */
  readonly readerOf?: (c: Context) => Promise<string | undefined>;
}

interface Answering extends CodeRoutesContext {
  /** By the repository and the digest of its state: others may have an equal one. */
  readonly readingFiles: SingleFlight<string, BranchFiles>;
}

/** A page that is being made from a state. */
interface BegunPage {
  readonly digest: string;
  readonly making: Promise<MadePage>;
}

/** Seconds of work that a download counts as. Most of them wait for the network, or are kept. */
const DOWNLOAD_SECONDS = 0.05;
/** Seconds of work that looking up an abbreviated id counts as. */
const LOOK_UP_SECONDS = 0.005;

/** The pages and downloads of the content of repositories. Requests for anything else go to the next routes. */
export function codeRoutes(context: CodeRoutesContext): Hono {
  const { base, kept } = context;
  const answering = { ...context, readingFiles: new SingleFlight<string, BranchFiles>() };
  const paths = new KnownPaths();
  const app = new Hono();
  app.get('*', async (c, next) => {
    const { pathname } = new URL(c.req.url);
    const path = paths.read(pathname);
    const answers = path === undefined ? [] : answersOf(path, await loadCode());
    if (path === undefined || answers.length === 0) return next();
    c.header('Vary', 'Accept');
    const wait = kept.traffic.admit(callerOf(c));
    if (wait > 0) return tooMany(c, base, wait);
    const recent = await recentRepository(context.repositories, path.id).catch(() => undefined);
    const beginning = recent === undefined ? beginPage(c, answering, path, answers) : undefined;
    const found =
      recent ?? (await findRepository(context.repositories, path.id, async () => context.readerOf?.(c)));
    // Without a git repository at this path, there may be a Fossil one.
    if (found === undefined) return path.word === '' ? next() : notFound(c, base);
    const wanted = wantedOf(answers, path, found);
    if (wanted === undefined) return notFound(c, base);
    const answer = await answerFor(c, answering, found, path, wanted, beginning)
      .catch((error: unknown) => elsewhere(c, answering, found, path, error))
      .catch((error: unknown) =>
        refuse(c, (title, content) => codePage(codeContext(context, found, path), title, content), error),
      );
    return found.isPublic ? answer : privateAnswer(c, answer);
  });
  return app;
}

/**
 * Sends a visitor to the page that shows the content at a path, or to the one whose id is abbreviated, or named by a ref.
 * @throws the error that led here, if there is no such page
 */
async function elsewhere(
  c: Context,
  { base, views, kept }: Answering,
  { repository, published }: FoundRepository,
  path: CodePath,
  error: unknown,
): Promise<Response> {
  if (error instanceof LiesElsewhere) return sendTo(c, base, { ...path, word: error.word });
  if (!isCairnError(error, 'not-found')) throw error;
  const segments =
    withIdOfRef(published.manifest, path) ??
    (await withWholeIds(published.manifest, path.segments, (prefix) => {
      kept.traffic.charge(callerOf(c), LOOK_UP_SECONDS);
      return views.read(repository, published, undefined, ({ session }) => session.find(prefix));
    }));
  if (segments === undefined) throw error;
  return sendTo(c, base, { ...path, segments });
}

/** The content may change, so the redirect is not cached. */
function sendTo(c: Context, base: string, { id, word, segments }: CodePath): Response {
  c.header('Cache-Control', 'no-cache');
  const parts = segments.map(encodeSegment).join('/');
  const { search } = new URL(c.req.url);
  return c.redirect(`${new CodeLinks(base, id).repository}/${word}/${parts}${search}`, 302);
}

/** The downloads and the page of a word. Downloads come first, and claim some of its paths. */
function answersOf({ word }: CodePath, { downloads, pages }: CodeAnswers): (CodeDownload | ListedPage)[] {
  return [...downloads, ...pages].filter((one) => one.word === word);
}

/** The one that answers a path. */
function wantedOf(
  answers: readonly (CodeDownload | ListedPage)[],
  { segments }: CodePath,
  { published }: FoundRepository,
): CodeDownload | ListedPage | undefined {
  return answers.find((one) => !('answer' in one) || (one.claims?.(segments, published.manifest) ?? true));
}

async function answerFor(
  c: Context,
  context: Answering,
  found: FoundRepository,
  path: CodePath,
  wanted: CodeDownload | ListedPage,
  beginning: Promise<BegunPage | undefined> | undefined,
): Promise<Response> {
  const { base, views, downloads, kept } = context;
  if ('answer' in wanted) {
    kept.traffic.charge(callerOf(c), DOWNLOAD_SECONDS);
    return wanted.answer(c, { base, views, downloads }, found, path.segments);
  }
  const begun = await beginning;
  const isSame = found.isPublic && begun?.digest === found.published.digest;
  const made = await (isSame ? begun.making : makePage(c, context, found, path, wanted));
  return sendPage(c, made, representationOf(c));
}

/**
 * Begins a page from the state that everybody could read when it was last seen, while the store is asked for the current one. Most
 * often it is the same. Otherwise the page is not sent, and nothing is told of it.
 */
async function beginPage(
  c: Context,
  context: Answering,
  path: CodePath,
  answers: readonly (CodeDownload | ListedPage)[],
): Promise<BegunPage | undefined> {
  // If it cannot be read, the request itself finds out.
  const seen = await lastSeenRepository(context.repositories, path.id).catch(() => undefined);
  const wanted = seen === undefined ? undefined : wantedOf(answers, path, seen);
  if (seen === undefined || wanted === undefined || 'answer' in wanted) return undefined;
  const making = makePage(c, context, seen, path, wanted);
  // Nobody may wait for it.
  making.catch(() => undefined);
  return { digest: seen.published.digest, making };
}

/** What every page of a repository knows. @param names absent: they are asked for */
function codeContext(
  { base, namesOf }: Pick<CodeRoutesContext, 'base' | 'namesOf'>,
  { published, reader, isPublic }: FoundRepository,
  { id, word }: Pick<CodePath, 'id' | 'word'>,
  names = namesOf(id, isPublic),
): CodeContext {
  return {
    base,
    links: new CodeLinks(base, id),
    ...names,
    manifest: published.manifest,
    owner: id.owner,
    word,
    ...(reader === undefined ? {} : { reader }),
  };
}

async function makePage(
  c: Context,
  context: Answering,
  found: FoundRepository,
  path: CodePath,
  page: ListedPage,
): Promise<MadePage> {
  const { repository, published } = found;
  const { views, renderer = NO_RENDERER } = context;
  const { kept, clock, readingFiles } = context;
  const representation = representationOf(c);
  const facts = kept.factsOf(found, path);
  const url = c.req.url;
  const same = kept.page(url, representation, facts);
  if (same !== undefined) return same;
  const { names, about } = facts;
  const code: CodeContext = {
    ...codeContext(context, found, path, names),
    ...(about === undefined ? {} : { about }),
    ...(page.offersRefs && representation === 'html' ? { choices: refChoicesOf(published.manifest) } : {}),
  };
  const asked = page.ask(code, published, path.segments, new URL(c.req.url).searchParams);
  // What the page and its frame are made from.
  const files =
    knownBranchFiles(published.manifest) ??
    (await readingFiles.run(`${repository} ${published.digest}`, () =>
      views.read(repository, published, undefined, branchFilesOf),
    ));
  const key = pageKey([page.word, representation, asked.key, contextKey(code, files)]);
  if (!files.unread) kept.remember(url, representation, path, facts, key);
  return kept.cache.page(key, (onCut) =>
    // Others may wait for the same page, so it is made whether or not this visitor stays.
    views.read(
      repository,
      published,
      undefined,
      async (view) => {
        const began = clock.monotonic();
        if (files.unread) onCut();
        try {
          return await asked.make({
            view: { ...view, onCut },
            renderer: tellingRenderer(renderer, onCut),
            representation,
          });
        } finally {
          kept.traffic.charge(callerOf(c), (clock.monotonic() - began) / 1000);
        }
      },
      asked.slow ? 'slow' : 'quick',
    ),
  );
}
