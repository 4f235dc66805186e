import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { ObjectFormat } from '../../src/git/object-id.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createRepository } from '../../src/maintenance/administer.ts';
import type { GitRepository } from '../../src/repository/git/git-repository.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { FaultyStore } from './faulty-store.ts';
import { GitClient } from './git-client.ts';
import { importCommits } from './import-commits.ts';
import { OWNER, repositoryUrl, startServer, type TestServerOptions } from './server.ts';
import type { OpenStore } from './stores.ts';
import { type TempDir, tempDir } from './temp-dir.ts';

/** A place of one test's own: the URL of a repository nobody has used yet, and a user with an empty home. */
export interface Place {
  readonly url: string;
  /** The repository as the server sees it. */
  readonly repository: GitRepository;
  readonly user: GitClient;
}

/** One server for the tests of a description, and the log of what it asks of its store. */
export interface Hosted {
  readonly app: App;
  readonly store: FaultyStore;
  place(): Promise<Place>;
  /** A place whose repository exists already, without refs. */
  created(options?: { readonly objectFormat?: ObjectFormat; readonly head?: string }): Promise<Place>;
  /** A place where somebody has published the branch `main` with one file, `README`, in two commits. */
  published(): Promise<Place & { readonly author: GitClient; readonly tip: string }>;
}

/** Starts a server over a fresh store before the tests of the enclosing description, and closes it behind them. */
export function hosted(openStore: OpenStore, options: Omit<TestServerOptions, 'store'> = {}): Hosted {
  let app: App;
  let store: FaultyStore;
  let folder: TempDir;
  let places = 0;

  beforeAll(async () => {
    folder = await tempDir('cairn-users');
    store = new FaultyStore(await openStore());
    app = await startServer({ ...options, store });
  });
  afterAll(async () => {
    await app.close();
    await store.close();
    await folder[Symbol.asyncDispose]();
  });

  const place = async (): Promise<Place> => {
    const identifier = `place-${++places}`;
    const home = join(folder.path, identifier);
    await mkdir(home);
    return {
      url: repositoryUrl(app, identifier),
      repository: app.repositories.get(repositoryId(OWNER, identifier)),
      user: new GitClient(home),
    };
  };
  return {
    get app() {
      return app;
    },
    get store() {
      return store;
    },
    place,
    created: async ({ objectFormat = 'sha1', head = 'refs/heads/main' } = {}) => {
      const made = await place();
      await createRepository(made.repository, { objectFormat, head, random: systemRandom });
      return made;
    },
    published: async () => {
      const made = await place();
      const author = await made.user.init('author');
      await author.addRemote(made.url);
      await importCommits(author, ['Begin', 'Go on'], (at) => ({
        README: at === 0 ? 'first\n' : 'second\n',
      }));
      await author.run(['push', '--quiet', '--set-upstream', 'origin', 'main']);
      const tip = await author.oidOf('HEAD');
      return { ...made, author, tip };
    },
  };
}

/** The protocol versions a client can be told to read with. */
export const PROTOCOL_VERSIONS = [0, 1, 2] as const;

/** The settings by which a user asks for a protocol version. */
export function speaking(version: 0 | 1 | 2): string {
  return `protocol.version=${version}`;
}
