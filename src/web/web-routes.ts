import { type Context, Hono } from 'hono';
import type { FossilViews } from '../browse/fossil/fossil-views.ts';
import type { RepositoryViews } from '../browse/repository-views.ts';
import type { Clock } from '../lib/clock.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { fossilUrl } from '../nostr/repository-url.ts';
import type { Logger } from '../observability/logger.ts';
import type { AccessMode } from '../policy/push-entry.ts';
import type { EventReader, Events } from '../relay/events.ts';
import type { FossilRepository } from '../repository/fossil/fossil-repository.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import type { Repositories } from '../repository/repositories.ts';
import type { RepositoryId } from '../repository/repository-id.ts';
import { aboutRepository, announcementFor, publicName } from './about-repository.ts';
import { apiRoutes } from './api/api-routes.ts';
import { assetRoutes } from './assets/asset-routes.ts';
import { readCodePath } from './code/code-path.ts';
import { codeRoutes } from './code/code-routes.ts';
import type { KeptDownloads } from './code/downloads/kept-downloads.ts';
import { KeptPages } from './code/kept-pages.ts';
import type { PageDisk } from './code/page-disk.ts';
import { type FoundFossil, findFossil } from './find-repository.ts';
import { readFossilPath } from './fossil/fossil-path.ts';
import { fossilRoutes } from './fossil/fossil-routes.ts';
import { frontRoutes } from './front/front-routes.ts';
import { RepositoryIndex } from './front/repository-index.ts';
import { type Html, rootOf } from './layout.ts';
import type { NostrSources } from './nostr/nostr-page.ts';
import { nostrRoutes } from './nostr/nostr-routes.ts';
import { ownerRoutes } from './nostr/owner/owner-routes.ts';
import { RenderedTexts } from './nostr/text/rendered-texts.ts';
import { PAGE_HEADERS } from './page-headers.ts';
import { readPagePath } from './page-path.ts';
import { PageTraffic } from './page-traffic.ts';
import type { ServiceInformation } from './pages/home-page.ts';
import { methodNotAllowedPage } from './pages/method-not-allowed-page.ts';
import { PublicRepositories } from './public-repositories.ts';
import { failed, notFound as refuseNotFound } from './refuse.ts';
import { NO_RENDERER, type Renderer } from './render/render-pool.ts';
import type { ShownNames } from './repository-title.ts';
import { robotsText } from './robots.ts';
import { PageReaders } from './session/page-readers.ts';
import { SessionCookie } from './session/session-cookie.ts';
import { type SignInRoutesContext, signInRoutes } from './session/sign-in-routes.ts';

export interface WebRoutesContext {
  readonly repositories: Pick<Repositories, 'get'>;
  readonly fossil: { get(id: RepositoryId): Pick<FossilRepository, 'bagOf' | 'peek' | 'resolve'> };
  readonly events: Pick<EventReader, 'counting' | 'isHidden' | 'latest'> & Pick<Events, 'onEvent'>;
  /** The key that signs the receipts of a repository. Absent: the front page says nothing of pushes. */
  readonly receiptKey?: (owner: string, identifier: string) => string;
  /** Whether an anonymous client may see an event. */
  readonly visible: (event: NostrEvent) => boolean;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  readonly access: AccessMode;
  /** The relay's information document (NIP-11). */
  readonly information: ServiceInformation;
  /** What visitors sign in with. Absent: only public repositories have pages. */
  readonly signIn?: Pick<SignInRoutesContext, 'sessions' | 'signIns' | 'verifier' | 'admit'>;
  /** Reads what is in repositories; absent where there are no pages of code. */
  readonly views?: RepositoryViews;
  /** Reads the content of Fossil repositories. */
  readonly fossilViews: FossilViews;
  /** Renders untrusted text; absent: it is shown unrendered. */
  readonly renderer?: Renderer;
  /** Discussions and receipts of repositories. Absent: there are no such pages. */
  readonly discussions?: Pick<NostrSources, 'discussions' | 'history'>;
  /** Keeps large answers; see `codeRoutes`. */
  readonly downloads?: KeptDownloads;
  /** Pages on disk. Absent: they are kept in memory alone. */
  readonly disk?: PageDisk;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Characters of a repository's name. */
const NAME = 200;

/** The pages for browsers. */
export interface WebPages {
  /** Mount them last: they answer every request that no other route has answered. */
  readonly routes: Hono;
  /** Answers requests for pages that are kept. Absent: there are no pages of code. */
  readonly kept?: KeptPages;
}

/**
 * The pages for browsers at the URLs that git and Nostr clients use: the front page, a page for each public repository, and
 * a page for everything else.
 */
export function webPages(context: WebRoutesContext): WebPages {
  const { base, access, information } = context;
  const announced = new PublicRepositories(context);
  const index = new RepositoryIndex({ ...context, announced });
  const answer = (c: Context, body: Html, status: 200 | 405 = 200) => c.html(body, status, PAGE_HEADERS);
  const notFound = (c: Context) => refuseNotFound(c, base);

  const people = context.discussions?.discussions.people;
  const about = { ...context, announced, ...(people && { people }) };
  const cookie = new SessionCookie(base);
  const { sessions, verifier } = context.signIn ?? {};
  const readers = new PageReaders({ sessions, cookie, verifier, base, clock: context.clock });
  const readerOf = (c: Context) => readers.readerOf(c);

  const app = new Hono();
  app.route('/', assetRoutes());
  app.get('/robots.txt', (c) => c.text(robotsText(rootOf(base)), 200, { 'Cache-Control': 'max-age=3600' }));
  app.route('/', apiRoutes(base));
  if (context.signIn !== undefined) {
    app.route('/', signInRoutes({ ...context.signIn, base, clock: context.clock, cookie, readers }));
  }
  const nameOfKey = (key: string) => publicName(people, key);
  const ownerNameOf = ({ owner }: RepositoryId): Pick<ShownNames, 'ownerName'> => {
    const ownerName = nameOfKey(owner);
    return ownerName === undefined ? {} : { ownerName };
  };
  const traffic = new PageTraffic(context.clock);
  app.route('/', frontRoutes({ index, traffic, base, access, information, nameOfKey }));
  let kept: KeptPages | undefined;
  if (context.views !== undefined) {
    const { repositories, views, downloads, disk, renderer = NO_RENDERER } = context;
    const { clock } = context;
    const namesOf = (id: RepositoryId, isPublic: boolean): ShownNames => ({
      name: announcementFor(about, id, isPublic)?.name?.trim().slice(0, NAME) || id.identifier,
      ...ownerNameOf(id),
    });
    const aboutOf = (id: RepositoryId, isPublic: boolean, published: GitManifest) =>
      aboutRepository(about, id, isPublic, published);
    kept = new KeptPages({ repositories, ...(disk && { disk }), namesOf, aboutOf, clock });
    const code = { repositories, views, ...(downloads && { downloads }), kept };
    app.route('/', codeRoutes({ ...code, renderer, base, namesOf, readerOf, clock }));
    const { discussions } = context;
    if (discussions !== undefined) {
      const texts = new RenderedTexts(renderer, clock);
      app.route(
        '/',
        nostrRoutes({ ...discussions, repositories, views, texts, base, namesOf, readerOf, clock }),
      );
      const { people } = discussions.discussions;
      app.route('/', ownerRoutes({ people, traffic: new PageTraffic(clock), base, readerOf }));
    }
  }
  /** Whether a path without git repository is that of a Fossil repository that the visitor may read. */
  const isFossil = async (c: Context, id: RepositoryId): Promise<boolean> =>
    context.repositories.get(id).otherKind === 'fossil' &&
    (await findFossil(context.fossil, id, () => readers.readerOf(c))) !== undefined;
  const fossilNamesOf = ({ id, isPublic, published: { manifest } }: FoundFossil): ShownNames => ({
    name:
      announcementFor(about, id, isPublic)?.name?.trim().slice(0, NAME) ||
      manifest.projectName.trim().slice(0, NAME) ||
      id.identifier,
    ...ownerNameOf(id),
  });
  app.route(
    '/',
    fossilRoutes({
      repositories: context.fossil,
      views: context.fossilViews,
      ...(context.disk === undefined ? {} : { disk: context.disk }),
      ...(context.renderer === undefined ? {} : { renderer: context.renderer }),
      base,
      namesOf: fossilNamesOf,
      aboutOf: ({ id, isPublic, published }) => aboutRepository(about, id, isPublic, published.manifest),
      readerOf,
      clock: context.clock,
    }),
  );
  app.get('*', async (c) => {
    const id = readPagePath(new URL(c.req.url).pathname);
    if (id === undefined) return notFound(c);
    // The page of a repository of git has been found above.
    return (await isFossil(c, id)) ? c.redirect(fossilUrl(base, id.owner, id.identifier)) : notFound(c);
  });
  // Pages are read-only. Other paths are not found, whatever the method.
  app.all('*', (c) => {
    const { pathname } = new URL(c.req.url);
    const named = readPagePath(pathname) ?? readFossilPath(pathname) ?? readCodePath(pathname);
    // Whether or not there is such a page: another method asks for none. What GET has not found comes here, too.
    const isPage = (pathname === '/' || named !== undefined) && !['GET', 'HEAD'].includes(c.req.method);
    if (!isPage) return notFound(c);
    c.header('Allow', 'GET, HEAD, OPTIONS');
    return answer(c, methodNotAllowedPage(base, c.req.method), 405);
  });
  app.onError((error, c) => {
    context.log.error({ path: c.req.path, err: error }, 'page failed');
    return failed(c, base, error);
  });
  return { routes: app, ...(kept && { kept }) };
}
