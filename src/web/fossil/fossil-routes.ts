import { type Context, Hono } from 'hono';
import { findFile } from '../../browse/fossil/check-ins.ts';
import { type FossilView, type OpenedArtifact, openArtifact } from '../../browse/fossil/fossil-view.ts';
import type { FossilViews } from '../../browse/fossil/fossil-views.ts';
import { readAttachment } from '../../browse/fossil/notes/attachments.ts';
import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { Clock } from '../../lib/clock.ts';
import { FileBytes } from '../../lib/file-bytes.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { contentRange } from '../byte-range.ts';
import type { About } from '../code/about.ts';
import { rangeOf } from '../code/downloads/raw-download.ts';
import { rawHeaders } from '../code/downloads/raw-headers.ts';
import { LOOKED_AT, wholeLines } from '../code/file-text.ts';
import { LiesElsewhere } from '../code/lies-elsewhere.ts';
import { PageCache, pageKey } from '../code/page-cache.ts';
import type { PageDisk } from '../code/page-disk.ts';
import { type FoundFossil, findFossil } from '../find-repository.ts';
import { PageTraffic } from '../page-traffic.ts';
import { notFound, refuse, tooMany } from '../refuse.ts';
import { NO_RENDERER, type Renderer } from '../render/render-pool.ts';
import { tellingRenderer } from '../render/telling-renderer.ts';
import type { ShownNames } from '../repository-title.ts';
import { representationOf } from '../representation.ts';
import { callerOf } from '../request-context.ts';
import { sendPage } from '../send-page.ts';
import { privateAnswer } from '../session/private-answer.ts';
import { isKnown } from '../validators.ts';
import { artifactStream } from './artifact-stream.ts';
import { contextKey, type FossilContext, fossilFrame } from './fossil-frame.ts';
import { FossilLinks } from './fossil-links.ts';
import { type FossilPath, readFossilPath } from './fossil-path.ts';
import { loadFossilPages } from './load-fossil-pages.ts';
import { checkInOf, readArtifactName, readCheckInName } from './read-artifact-name.ts';

export interface FossilRoutesContext {
  readonly repositories: { get(id: RepositoryId): Pick<FossilRepository, 'bagOf' | 'peek' | 'resolve'> };
  readonly views: FossilViews;
  /** Pages on disk. Absent: they are kept in memory alone. */
  readonly disk?: PageDisk;
  /** Absent: files are shown as they are. */
  readonly renderer?: Renderer;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  /** What people call a repository and its owner. */
  readonly namesOf: (found: FoundFossil) => ShownNames;
  /** The description of a repository, for visitors who may read it. */
  readonly aboutOf?: (found: FoundFossil) => About;
  /** The key of a visitor who has signed in. */
  readonly readerOf: (c: Context) => Promise<string | undefined>;
  readonly clock: Clock;
}

interface Answering extends FossilRoutesContext {
  readonly cache: PageCache;
  readonly traffic: PageTraffic;
}

/** Words of answers that are no pages. */
const DOWNLOADS: ReadonlySet<string> = new Set(['raw', 'attachment']);
/** Bytes of pages in memory. */
const CACHE = 16 * 1024 * 1024;
/** Most bytes of an artifact that is sent raw. Larger ones are a matter for Fossil. */
const RAW_SIZE = 32 * 1024 * 1024;

/** The pages and raw files of the content of Fossil repositories. Requests for anything else go to the next routes. */
export function fossilRoutes(context: FossilRoutesContext): Hono {
  const { base, repositories } = context;
  const answering = {
    ...context,
    cache: new PageCache(CACHE, context.clock, context.disk),
    traffic: new PageTraffic(context.clock),
  };
  const app = new Hono();
  app.get('/fossil/*', async (c, next) => {
    const path = readFossilPath(new URL(c.req.url).pathname);
    if (path === undefined) return next();
    c.header('Vary', 'Accept');
    const wait = answering.traffic.admit(callerOf(c));
    if (wait > 0) return tooMany(c, base, wait);
    const found = await findFossil(repositories, path.id, () => context.readerOf(c));
    if (found === undefined) return notFound(c, base);
    const answer = await (DOWNLOADS.has(path.word) ? answerRaw : answerPage)(c, answering, found, path).catch(
      (error: unknown) =>
        error instanceof LiesElsewhere
          ? sendTo(c, base, path, error)
          : refuse(
              c,
              (title, content) => fossilFrame(fossilContext(context, found, path), title, content),
              error,
            ),
    );
    return found.isPublic ? answer : privateAnswer(c, answer);
  });
  return app;
}

/** What every page of a repository knows. */
function fossilContext(
  { base, namesOf }: Pick<FossilRoutesContext, 'base' | 'namesOf'>,
  found: FoundFossil,
  { id, word }: Pick<FossilPath, 'id' | 'word'>,
): FossilContext {
  const { published, reader } = found;
  return {
    base,
    links: new FossilLinks(base, id),
    ...namesOf(found),
    owner: id.owner,
    manifest: published.manifest,
    word,
    ...(reader === undefined ? {} : { reader }),
  };
}

async function answerPage(
  c: Context,
  context: Answering,
  found: FoundFossil,
  { id, word, segments }: FossilPath,
): Promise<Response> {
  const { base, aboutOf, cache, renderer = NO_RENDERER } = context;
  const page = (await loadFossilPages()).find((one) => one.word === word);
  if (page === undefined) return notFound(c, base);
  const { published } = found;
  const about = word === '' ? aboutOf?.(found) : undefined;
  const fossil: FossilContext = {
    ...fossilContext(context, found, { id, word }),
    ...(about === undefined ? {} : { about }),
  };
  const representation = representationOf(c);
  const asked = page.ask(segments, new URL(c.req.url).searchParams);
  const key = ['fossil', word, representation, asked.key, published.digest, contextKey(fossil)];
  const made = await cache.page(pageKey(key), (onCut) =>
    // Others may wait for the same page, so it is made whether or not this visitor stays.
    readCharged(c, context, found, undefined, (view) =>
      asked.make(
        { view: { ...view, onCut }, renderer: tellingRenderer(renderer, onCut) },
        fossil,
        representation,
      ),
    ),
  );
  return sendPage(c, made, representation);
}

/** Sends a visitor to the page that shows the content at a path. The content may change, so the redirect is not cached. */
function sendTo(c: Context, base: string, { id, segments }: FossilPath, { word }: LiesElsewhere): Response {
  c.header('Cache-Control', 'no-cache');
  const parts = segments.map(encodeURIComponent).join('/');
  return c.redirect(`${new FossilLinks(base, id).repository}/${word}/${parts}`, 302);
}

/** Reads a state, and charges the visitor's address for the time. */
function readCharged<T>(
  c: Context,
  { views, repositories, traffic, clock }: Answering,
  { id, published }: FoundFossil,
  signal: AbortSignal | undefined,
  work: (view: FossilView) => Promise<T>,
): Promise<T> {
  return views.read(repositories.get(id), published, signal, async (view) => {
    const began = clock.monotonic();
    try {
      return await work(view);
    } finally {
      traffic.charge(callerOf(c), (clock.monotonic() - began) / 1000);
    }
  });
}

/** A file or an artifact, as it is. */
async function answerRaw(
  c: Context,
  context: Answering,
  found: FoundFossil,
  path: FossilPath,
): Promise<Response> {
  const find = path.word === 'attachment' ? attachmentAt(path) : contentAt(path);
  return readCharged(c, context, found, c.req.raw.signal, async (view) => {
    const { name, artifact } = await find(view);
    const opened = await openArtifact(view, artifact, RAW_SIZE);
    try {
      const answer = await rawAnswer(c, opened, { name, artifact });
      // The body of a large content reads on.
      const isRead = answer.body !== null && opened.content instanceof FileBytes;
      if (!isRead) await opened[Symbol.asyncDispose]();
      return answer;
    } catch (error) {
      await opened[Symbol.asyncDispose]();
      throw error;
    }
  });
}

/** @param opened is disposed of by the body if that is a stream of a large content */
async function rawAnswer(
  c: Context,
  opened: OpenedArtifact,
  { name, artifact }: NamedContent,
): Promise<Response> {
  const { content } = opened;
  const headers = rawHeaders({
    name: Buffer.from(name),
    content:
      content instanceof FileBytes ? wholeLines(await content.read(0, LOOKED_AT)) : Buffer.from(content),
    oid: artifact,
    saved: c.req.query('download') === '1',
  });
  if (isKnown(c, headers.ETag)) return c.body(null, 304, headers);
  const range = rangeOf(c, headers.ETag, content.length);
  if (range === 'none') {
    return c.body(null, 416, { ...headers, 'Content-Range': contentRange('none', content.length) });
  }
  const { start, length } = range ?? { start: 0, length: content.length };
  const status = range === undefined ? 200 : 206;
  const sized = {
    ...headers,
    'Content-Length': String(length),
    ...(range === undefined ? {} : { 'Content-Range': contentRange(range, content.length) }),
  };
  if (c.req.method === 'HEAD') return c.body(null, status, sized);
  if (!(content instanceof FileBytes)) {
    return c.body(new Uint8Array(content.subarray(start, start + length)), status, sized);
  }
  return c.body(
    artifactStream(content.slice(start, start + length), opened, c.req.raw.signal),
    status,
    sized,
  );
}

/** A content and the name that it is saved under. */
interface NamedContent {
  readonly name: string;
  readonly artifact: ArtifactName;
}

/** A file of a check-in (`raw/<check-in>/<path>`), or an artifact (`raw/<name>`). */
function contentAt({ segments: [first, ...path] }: FossilPath): (view: FossilView) => Promise<NamedContent> {
  if (path.length === 0) {
    const artifact = readArtifactName(first);
    return async () => ({ name: artifact, artifact });
  }
  const checkIn = readCheckInName(first);
  return async (view) => {
    const { artifact } = await findFile(view, await checkInOf(view, checkIn), path.join('/'));
    return { name: path.at(-1) ?? artifact, artifact };
  };
}

/** An attached file (`attachment/<name of the artifact that attaches it>`). */
function attachmentAt({ segments }: FossilPath): (view: FossilView) => Promise<NamedContent> {
  const name = readArtifactName(segments.length === 1 ? segments[0] : undefined);
  return async (view) => {
    const { file, source } = await readAttachment(view, name);
    return { name: file, artifact: source };
  };
}
