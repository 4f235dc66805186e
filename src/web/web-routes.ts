import { type Context, Hono } from 'hono';
import type { RepositoryViews } from '../browse/repository-views.ts';
import type { Clock } from '../lib/clock.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { fossilUrl } from '../nostr/repository-url.ts';
import type { Logger } from '../observability/logger.ts';
import { decideAccess } from '../policy/push-access.ts';
import type { AccessMode } from '../policy/push-entry.ts';
import type { EventReader } from '../relay/events.ts';
import type { FossilRepository } from '../repository/fossil/fossil-repository.ts';
import type { Repositories } from '../repository/repositories.ts';
import type { RepositoryId } from '../repository/repository-id.ts';
import { apiRoutes } from './api/api-routes.ts';
import { assetRoutes } from './assets/asset-routes.ts';
import { CODE_PAGES } from './code/code-page-list.ts';
import { codeRoutes } from './code/code-routes.ts';
import type { Html } from './layout.ts';
import { PAGE_HEADERS } from './page-headers.ts';
import { readFossilPagePath, readPagePath } from './page-path.ts';
import { fossilPage } from './pages/fossil-page.ts';
import { homePage, type ServiceInformation } from './pages/home-page.ts';
import { methodNotAllowedPage } from './pages/method-not-allowed-page.ts';
import { repositoryPage } from './pages/repository-page.ts';
import { PublicRepositories } from './public-repositories.ts';
import { failed, notFound as refuseNotFound } from './refuse.ts';
import { NO_RENDERER, type Renderer } from './render/render-pool.ts';

export interface WebRoutesContext {
  readonly repositories: Pick<Repositories, 'get'>;
  readonly fossil: { get(id: RepositoryId): Pick<FossilRepository, 'resolve'> };
  readonly events: Pick<EventReader, 'get' | 'latest' | 'isHidden' | 'querying'>;
  /** Whether an anonymous client may see an event. */
  readonly visible: (event: NostrEvent) => boolean;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  readonly access: AccessMode;
  /** The relay's information document (NIP-11). */
  readonly information: ServiceInformation;
  /** Reads what is in repositories; absent where there are no pages of code. */
  readonly views?: RepositoryViews;
  /** Renders what strangers wrote; absent: it is shown as it is. */
  readonly renderer?: Renderer;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Maximum number of repositories on the front page. */
const LISTED = 100;

/**
 * The pages for browsers at the URLs that git and Nostr clients use: the front page, a page for each public repository, and
 * a page for everything else. Mount it last: it answers every request that no other route has answered.
 */
export function webRoutes(context: WebRoutesContext): Hono {
  const { base, access, information } = context;
  const announced = new PublicRepositories(context);
  const answer = (c: Context, body: Html, status: 200 | 405 = 200) => c.html(body, status, PAGE_HEADERS);
  const notFound = (c: Context) => refuseNotFound(c, base);

  const app = new Hono();
  app.route('/', assetRoutes());
  app.route('/', apiRoutes(base, CODE_PAGES));
  app.get('/', async (c) => {
    c.header('Vary', 'Accept');
    if (asksForRelayInformation(c)) {
      return c.body(JSON.stringify(information), 200, {
        'Content-Type': 'application/nostr+json',
        // NIP-11 requires this header of every relay, even if no other response has it.
        'Access-Control-Allow-Origin': '*',
      });
    }
    const found = await announced.newest(LISTED + 1);
    const repositories = found.slice(0, LISTED);
    return answer(c, homePage({ base, access, information, repositories, more: found.length > LISTED }));
  });
  if (context.views !== undefined) {
    const { repositories, views, renderer = NO_RENDERER } = context;
    const nameOf = (id: RepositoryId) => announced.find(id)?.name?.trim() || id.identifier;
    app.route('/', codeRoutes({ repositories, views, renderer, base, nameOf }));
  }
  /** Whether a repository that is not there as one of git is a public one of Fossil. */
  const isPublicFossil = async (id: RepositoryId): Promise<boolean> => {
    if (context.repositories.get(id).otherKind !== 'fossil') return false;
    const manifest = (await context.fossil.get(id).resolve())?.manifest;
    if (manifest === undefined || manifest.lifecycle === 'withdrawn') return false;
    return decideAccess('read', undefined, { owner: id.owner, ...manifest.policy }).allow;
  };
  app.on('GET', ['/fossil/:owner/:identifier', '/fossil/:owner/:identifier/'], async (c) => {
    const id = readFossilPagePath(new URL(c.req.url).pathname);
    const manifest = id === undefined ? undefined : (await context.fossil.get(id).resolve())?.manifest;
    if (id === undefined || manifest === undefined || manifest.lifecycle === 'withdrawn') return notFound(c);
    const { owner } = id;
    if (!decideAccess('read', undefined, { owner, ...manifest.policy }).allow) return notFound(c);
    const announcement = announced.find(id);
    const parts = { base, access, owner, manifest };
    return answer(c, fossilPage(announcement === undefined ? parts : { ...parts, announcement }));
  });
  app.get('*', async (c) => {
    const id = readPagePath(new URL(c.req.url).pathname);
    const manifest = id === undefined ? undefined : (await context.repositories.get(id).resolve())?.manifest;
    if (id !== undefined && manifest === undefined && (await isPublicFossil(id))) {
      return c.redirect(fossilUrl(base, id.owner, id.identifier));
    }
    if (id === undefined || manifest === undefined || manifest.lifecycle === 'withdrawn') return notFound(c);
    const { owner } = id;
    // A browser sends no token, so a private repository is not found for it.
    if (!decideAccess('read', undefined, { owner, ...manifest.policy }).allow) return notFound(c);
    const announcement = announced.find(id);
    const parts = { base, access, owner, manifest };
    return answer(c, repositoryPage(announcement === undefined ? parts : { ...parts, announcement }));
  });
  // Pages are read-only. Other paths are not found, whatever the method.
  app.all('*', (c) => {
    const { pathname } = new URL(c.req.url);
    const isPage = pathname === '/' || (readPagePath(pathname) ?? readFossilPagePath(pathname)) !== undefined;
    if (!isPage) return notFound(c);
    c.header('Allow', 'GET, HEAD, OPTIONS');
    return answer(c, methodNotAllowedPage(base, c.req.method), 405);
  });
  app.onError((error, c) => {
    context.log.error({ path: c.req.path, err: error }, 'page failed');
    return failed(c, base, error);
  });
  return app;
}

function asksForRelayInformation(c: Context): boolean {
  return c.req.header('Accept')?.includes('application/nostr+json') === true;
}
