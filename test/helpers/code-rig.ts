import { join } from 'node:path';
import { Hono } from 'hono';
import { expect } from 'vitest';
import { ReflessFolders } from '../../src/browse/downloads/refless-folder.ts';
import { RepositoryViews } from '../../src/browse/repository-views.ts';
import { Git } from '../../src/git-process/git.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { formatNpub } from '../../src/nostr/public-key.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { ResponseCache } from '../../src/transfer/fetch/response-cache.ts';
import { codeRoutes } from '../../src/web/code/code-routes.ts';
import { KeptDownloads } from '../../src/web/code/downloads/kept-downloads.ts';
import { KeptPages } from '../../src/web/code/kept-pages.ts';
import { RenderPool } from '../../src/web/render/render-pool.ts';
import { FaultyStore } from './faulty-store.ts';
import { GitClient } from './git-client.ts';
import { type GitServer, startGitServer } from './git-server.ts';
import { Person } from './nostr-client.ts';
import { type TempDir, tempDir } from './temp-dir.ts';

/** A server to push to, and the routes of its pages of code. One for all tests of a file. */
export class CodeRig implements AsyncDisposable {
  readonly owner = new Person();
  readonly server: GitServer;
  /** Behind the server: it logs requests. */
  readonly store: FaultyStore;
  readonly folder: TempDir;
  readonly app: Hono;
  /** Names of the git commands that pages have started. */
  readonly started: string[] = [];
  /** The pages that the app keeps. */
  readonly kept: KeptPages;
  private readonly git: Git;
  private readonly views: RepositoryViews;
  private readonly renderer: RenderPool | undefined;

  private constructor(
    server: GitServer,
    store: FaultyStore,
    folder: TempDir,
    renderer: RenderPool | undefined,
    clock: Clock,
  ) {
    this.store = store;
    this.renderer = renderer;
    this.server = server;
    this.folder = folder;
    const observer = { started: (name: string) => void this.started.push(name), ended: () => undefined };
    this.git = new Git({ binary: 'git', home: folder.path, observer });
    this.views = new RepositoryViews({
      git: this.git,
      slots: 2,
      queue: 64,
      timeLimit: 60_000,
      idle: 60_000,
    });
    const { repositories } = server;
    const namesOf = ({ identifier }: { readonly identifier: string }) => ({ name: identifier });
    const { views } = this;
    const downloads = new KeptDownloads({
      views,
      cache: new ResponseCache({ folder: join(folder.path, 'downloads'), budget: 2 ** 26 }),
      refless: new ReflessFolders(join(folder.path, 'refless')),
    });
    this.kept = new KeptPages({ repositories, namesOf, clock });
    this.app = new Hono().route(
      '/',
      codeRoutes({
        repositories,
        views,
        downloads,
        ...(renderer === undefined ? {} : { renderer }),
        base: 'https://git.example.org',
        namesOf,
        kept: this.kept,
        clock,
      }),
    );
    this.app.onError((error) => {
      throw error;
    });
  }

  /** @param options `renders`: whether Markdown and code are rendered, in a thread */
  static async open({
    renders = false,
    clock = systemClock,
  }: {
    readonly renders?: boolean;
    readonly clock?: Clock;
  } = {}): Promise<CodeRig> {
    const folder = await tempDir('cairn-code');
    const store = new FaultyStore(new MemoryObjectStore());
    const server = await startGitServer(store, { access: 'open', clock });
    const renderer = renders
      ? new RenderPool({ workers: 1, queue: 64, timeLimit: 60_000, memory: 128, idle: 60_000 })
      : undefined;
    return new CodeRig(server, store, folder, renderer, clock);
  }

  /** A working folder whose commits are pushed by `push`, and the pages of what was pushed. */
  async project(name: string, ...options: string[]) {
    const client = await new GitClient(this.folder.path).init(name, ...options);
    const path = `${formatNpub(this.owner.publicKey)}/${name}`;
    const url = `${this.server.url}/git/${path}.git`;
    const get = (page: string, headers: Record<string, string> = {}) =>
      Promise.resolve(this.app.request(`/${path}/${page}`, { headers }));
    return {
      client,
      id: repositoryId(this.owner.publicKey, name),
      push: (...refs: string[]) =>
        client.run(['push', '--quiet', url, ...(refs.length === 0 ? ['main'] : refs)]),
      get,
      /** The text of a page that is there. */
      page: async (page: string) => textOf(await get(page)),
      /** The JSON of a page that is there. */
      json: async (page: string): Promise<unknown> =>
        JSON.parse(await textOf(await get(page, { Accept: 'application/json' }))),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.renderer?.close();
    await this.views.close();
    await this.git.close();
    await this.server[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }
}

/** The body of an answer that must have a status. */
export async function textOf(response: Response, status = 200): Promise<string> {
  const body = await response.text();
  expect(response.status, body.slice(0, 300)).toBe(status);
  return body;
}
