import { type Context, Hono } from 'hono';
import { blobSize, peel, readBlob } from '../../browse/objects.ts';
import type { RepositoryView } from '../../browse/repository-view.ts';
import type { RepositoryViews } from '../../browse/repository-views.ts';
import { type Revision, readRevision } from '../../browse/revision.ts';
import { isObjectId } from '../../git/index.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import type { PageWord } from '../../nostr/repository-url.ts';
import { decideAccess } from '../../policy/push-access.ts';
import type { PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { Repositories } from '../../repository/repositories.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { Html } from '../layout.ts';
import { PAGE_HEADERS } from '../page-headers.ts';
import { notFoundPage } from '../pages/not-found-page.ts';
import { tooLargePage } from '../pages/too-large-page.ts';
import { CodeLinks } from './code-links.ts';
import { findFile, makeCommitPage, makeFilePage, makeHistoryPage, makeTreePage } from './code-pages.ts';
import { type CodePath, readCodePath } from './code-path.ts';
import type { CodeContext } from './frame.ts';
import { PageCache } from './page-cache.ts';
import { rawHeaders } from './raw-file.ts';

export interface CodeRoutesContext {
  readonly repositories: Pick<Repositories, 'get'>;
  readonly views: RepositoryViews;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  /** The repository's name for people. */
  readonly nameOf: (id: RepositoryId) => string;
}

/** Bytes of pages in memory. */
const CACHE = 64 * 1024 * 1024;
/** Most bytes of a file that is sent raw. Larger ones are a matter for git. */
const RAW_SIZE = 32 * 1024 * 1024;

/** A repository that may be read by whoever asks. */
interface Found {
  readonly repository: GitRepository;
  readonly published: PublishedGitState;
}

/**
 * The pages of files, commits and histories. Requests for anything else go to the next routes.
 */
export function codeRoutes(context: CodeRoutesContext): Hono {
  const cache = new PageCache(CACHE);
  const notFound = (c: Context) => c.html(notFoundPage(context.base), 404, PAGE_HEADERS);
  const app = new Hono();
  app.get('*', async (c, next) => {
    const path = readCodePath(new URL(c.req.url).pathname);
    if (path === undefined) return next();
    const found = await findRepository(context, path.id);
    if (found === undefined) return notFound(c);
    try {
      return path.word === 'raw'
        ? await answerRaw(c, context, found, path)
        : await answerPage(c, context, cache, found, path);
    } catch (error) {
      // Only about what everybody may see: the repository is public.
      if (isCairnError(error, 'not-found') || isCairnError(error, 'invalid')) return notFound(c);
      if (isCairnError(error, 'too-large')) return c.html(tooLargePage(context.base), 413, PAGE_HEADERS);
      throw error;
    }
  });
  return app;
}

/** Finds a repository that everybody may see: a browser sends no token. */
async function findRepository(
  { repositories }: CodeRoutesContext,
  id: RepositoryId,
): Promise<Found | undefined> {
  const repository = repositories.get(id);
  const published = await repository.resolve();
  if (published === undefined || published.manifest.lifecycle === 'withdrawn') return undefined;
  const { manifest } = published;
  if (!decideAccess('read', undefined, { owner: id.owner, ...manifest.policy }).allow) return undefined;
  return { repository, published };
}

async function answerPage(
  c: Context,
  context: CodeRoutesContext,
  cache: PageCache,
  { repository, published }: Found,
  path: CodePath,
): Promise<Response> {
  const { manifest } = published;
  const links = new CodeLinks(context.base, path.id);
  const code: CodeContext = { base: context.base, links, name: context.nameOf(path.id), manifest };
  const skip = Number(/^\d{1,7}$/.exec(c.req.query('skip') ?? '')?.[0] ?? 0);
  const at = revisionOf(path, published);
  // What the page is made from, and what stands around it.
  const key = [path.word, at.oid, at.name, at.path.map((name) => name.toString('latin1')), skip];
  const around = [links.repository, code.name, manifest.head, manifest.objectFormat];
  const page = await cache.page([...key, ...around], () =>
    // Others may wait for the same page, so it is made whether or not this visitor stays.
    context.views.read(repository, published, undefined, async (view) =>
      String(await makePage(view, code, path.word, at, skip)),
    ),
  );
  const headers = { ...PAGE_HEADERS, ETag: page.etag };
  if (isKnown(c, page.etag)) return c.body(null, 304, headers);
  return c.html(page.body, 200, headers);
}

function makePage(
  view: RepositoryView,
  code: CodeContext,
  word: PageWord,
  at: Revision,
  skip: number,
): Promise<Html> {
  switch (word) {
    case 'tree':
      return makeTreePage(view, code, at);
    case 'commits':
      return makeHistoryPage(view, code, at, skip);
    case 'commit':
      return makeCommitPage(view, code, at.oid);
    default:
      return makeFilePage(view, code, at);
  }
}

/** A commit is named by its id alone; everything else by a revision and a path. */
function revisionOf({ word, segments }: CodePath, { manifest }: PublishedGitState): Revision {
  if (word !== 'commit') return readRevision(manifest, segments);
  const id = segments[0]?.toString('latin1') ?? '';
  if (segments.length !== 1 || !isObjectId(id, manifest.objectFormat)) {
    throw new CairnError('not-found', 'a commit is named by its whole id');
  }
  return { name: id, ref: undefined, oid: id, path: [] };
}

async function answerRaw(
  c: Context,
  context: CodeRoutesContext,
  { repository, published }: Found,
  path: CodePath,
): Promise<Response> {
  const at = revisionOf(path, published);
  const name = at.path.at(-1);
  if (name === undefined) throw new CairnError('not-found', 'no file is named');
  return context.views.read(repository, published, c.req.raw.signal, async (view) => {
    const { oid } = await findFile(view, at);
    if ((await blobSize(view, oid)) > RAW_SIZE) {
      throw new CairnError('too-large', 'this file is too large to be sent by a page');
    }
    const content = await readBlob(view, (await peel(view, oid)).oid, RAW_SIZE);
    const headers = rawHeaders(name, content, oid);
    if (isKnown(c, headers['ETag'] ?? '')) return c.body(null, 304, headers);
    return c.body(new Uint8Array(content), 200, headers);
  });
}

function isKnown(c: Context, etag: string): boolean {
  const known = c.req.header('If-None-Match') ?? '';
  return known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
