import { type Context, Hono } from 'hono';
import type { Clock } from '../../lib/clock.ts';
import { Limiter } from '../../lib/limiter.ts';
import type { Repositories } from '../../repository/repositories.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { CodeLinks } from '../code/code-links.ts';
import { type CodePath, readCodePath } from '../code/code-path.ts';
import { codePage } from '../code/frame.ts';
import { type FoundRepository, findRepository } from '../find-repository.ts';
import { MadePage } from '../made-page.ts';
import { PageTraffic } from '../page-traffic.ts';
import { notFound, refuse, tooMany } from '../refuse.ts';
import type { ShownNames } from '../repository-title.ts';
import { representationOf } from '../representation.ts';
import { callerOf } from '../request-context.ts';
import { sendPage } from '../send-page.ts';
import { privateAnswer } from '../session/private-answer.ts';
import { loadNostr, NOSTR_WORDS } from './load-nostr.ts';
import { type NostrRequest, type NostrSources, Redirection } from './nostr-page.ts';
import { PeopleOnPage } from './people/people-on-page.ts';

export interface NostrRoutesContext extends NostrSources {
  readonly repositories: Pick<Repositories, 'get'>;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  /** What people call a repository and its owner. */
  readonly namesOf: (id: RepositoryId, isPublic: boolean) => ShownNames;
  /** The key of a visitor who has signed in. */
  readonly readerOf: (c: Context) => Promise<string | undefined>;
  readonly clock: Clock;
}

/** Pages about events that are made at once, and that may wait: a crawler takes no time from the relay. */
const SLOTS = 4;
const QUEUE = 64;

/** The pages about events of repositories, and the events as files. Requests for anything else go to the next routes. */
export function nostrRoutes(context: NostrRoutesContext): Hono {
  const { base } = context;
  const slots = new Limiter('pages of discussions', SLOTS, QUEUE);
  const traffic = new PageTraffic(context.clock);
  const app = new Hono();
  app.get('*', async (c, next) => {
    const path = readCodePath(new URL(c.req.url).pathname);
    if (path === undefined || !NOSTR_WORDS.has(path.word)) return next();
    c.header('Vary', 'Accept');
    const wait = traffic.admit(callerOf(c));
    if (wait > 0) return tooMany(c, base, wait);
    const found = await findRepository(context.repositories, path.id, async () => context.readerOf(c));
    if (found === undefined) return notFound(c, base);
    const release = await slots.acquire();
    const began = context.clock.monotonic();
    try {
      const request = requestFor(c, context, found, path);
      const answer = await answerFor(c, request, path.word).catch((error: unknown) =>
        refuse(c, (title, content) => codePage(request.code, title, content), error),
      );
      return found.isPublic ? answer : privateAnswer(c, answer);
    } finally {
      traffic.charge(callerOf(c), (context.clock.monotonic() - began) / 1000);
      release();
    }
  });
  return app;
}

function requestFor(
  c: Context,
  context: NostrRoutesContext,
  found: FoundRepository,
  { id, word, segments }: CodePath,
): NostrRequest {
  const { base, namesOf, discussions } = context;
  const reader = new Set(found.reader === undefined ? [] : [found.reader]);
  const maintainers = discussions.maintainers(id);
  return {
    sources: context,
    found,
    code: {
      base,
      links: new CodeLinks(base, id),
      ...namesOf(id, found.isPublic),
      manifest: found.published.manifest,
      owner: id.owner,
      word,
      ...(found.reader === undefined ? {} : { reader: found.reader }),
    },
    reader,
    people: new PeopleOnPage(discussions.people, reader, id.owner, maintainers),
    segments: segments.map((segment) => segment.toString('utf8')),
    query: new URL(c.req.url).searchParams,
    representation: representationOf(c),
  };
}

async function answerFor(c: Context, request: NostrRequest, word: string): Promise<Response> {
  const { pages, downloads } = await loadNostr();
  if (word === 'event') return downloads.answerEvent(c, request);
  if (word === 'receipt') return downloads.answerReceipt(c, request);
  const page = pages.find((one) => one.word === word);
  const made = page === undefined ? undefined : await page.make(request);
  if (made === undefined) return notFound(c, request.code.base);
  if (made instanceof Redirection) return c.redirect(made.path, 302);
  return sendPage(c, new MadePage(Buffer.from(made)), request.representation);
}
