import { FossilViews } from '../browse/fossil/fossil-views.ts';
import { RepositoryViews } from '../browse/repository-views.ts';
import type { Settings } from '../config/settings.ts';
import type { Git } from '../git-process/git.ts';
import type { Clock } from '../lib/clock.ts';
import type { ClosingStack } from '../lib/closing-stack.ts';
import { Precedence } from '../lib/precedence.ts';
import type { Verifier } from '../nostr/verify.ts';
import type { Logger } from '../observability/logger.ts';
import type { FossilRepository } from '../repository/fossil/fossil-repository.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import type { Repositories } from '../repository/repositories.ts';
import { repositoryId } from '../repository/repository-id.ts';
import type { ResponseCache } from '../transfer/fetch/response-cache.ts';
import type { PageDisk } from '../web/code/page-disk.ts';
import { RenderPool } from '../web/render/render-pool.ts';
import { type WebPages, webPages } from '../web/web-routes.ts';
import { openDownloads } from './open-downloads.ts';
import type { OpenedRelay } from './open-relay.ts';
import type { OpenedSessions } from './open-sessions.ts';
import type { PublishSubscriber } from './publish-subscribers.ts';

export interface PageParts {
  readonly settings: Settings;
  readonly log: Logger;
  readonly clock: Clock;
  /** The public base URL, without a trailing slash. */
  readonly base: string;
  readonly repositories: Repositories;
  readonly fossil: Repositories<FossilRepository>;
  readonly relay: OpenedRelay;
  readonly sessions: OpenedSessions;
  readonly verifier: Verifier;
  /** Runs git for pages. */
  readonly git: Git;
  /** States of repositories for which git stays when no page is asked for. */
  readonly idleKept: number;
  /** Keeps archives and large files. */
  readonly downloads: ResponseCache;
  readonly disk: PageDisk;
  /** False: no work that nobody has asked for. */
  readonly background: boolean;
}

export interface OpenedPages extends WebPages {
  /** Tells pages to wait while requests of git and Fossil have just begun. */
  readonly precedence: Precedence;
  /** Readies the new state of a repository whose pages are being read. */
  readonly published: PublishSubscriber<GitManifest>;
}

/** Pages at once, pages that wait, and milliseconds for one and for an idle git process. */
const PAGES = { slots: 2, queue: 64, timeLimit: 20_000, idle: 30_000 };

/** Pages wait while a git request is in its first seconds, and a moment after it, for a quarter of a second at most. In milliseconds. */
const FIRST = { protects: 3_000, lingers: 100, patience: 250 };

/**
 * Threads that render for pages: one for each page at once. Ordinary texts take milliseconds. A hostile one takes all of the time
 * limit, and is then shown as it is. A thread stays for ten minutes after its last text: a new one loads and compiles for 100 ms.
 */
const RENDERING = { workers: PAGES.slots, queue: 64, timeLimit: 2_500, memory: 160, idle: 600_000 };

/**
 * Composes the pages for browsers.
 * @param stack closes what they read and render with, and the caches that they fill
 */
export function openPages(parts: PageParts, stack: ClosingStack): OpenedPages {
  const { settings, log, clock, base, repositories, relay, verifier } = parts;
  const precedence = new Precedence({ ...FIRST, clock });
  const standBack = () => precedence.standBack();
  const views = new RepositoryViews({ git: parts.git, idleKept: parts.idleKept, ...PAGES, standBack });
  stack.defer(() => views.close());
  stack.defer(() => parts.downloads.close());
  stack.defer(() => parts.disk.close());
  const renderer = new RenderPool(RENDERING);
  stack.defer(() => renderer.close());
  const pages = webPages({
    repositories,
    views,
    downloads: openDownloads(settings, parts.downloads, views),
    disk: parts.disk,
    renderer,
    fossil: parts.fossil,
    fossilViews: new FossilViews({ ...PAGES, standBack }),
    events: relay.events,
    visible: (event) => relay.directory.visible(event, new Set()),
    receiptKey: (owner, identifier) => relay.service.signerOf(repositoryId(owner, identifier)).publicKey,
    discussions: { discussions: relay.discussions, history: relay.refHistory },
    base,
    access: settings.access,
    information: relay.information,
    signIn: { ...parts.sessions, verifier },
    clock,
    log,
  });
  return {
    ...pages,
    precedence,
    published: (id) => {
      if (parts.background) views.follow(repositories.get(id));
    },
  };
}
