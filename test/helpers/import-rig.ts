/** Imports from real repositories into a store, without a server. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Git } from '../../src/git-process/git.ts';
import { importInto } from '../../src/mirror/import/import-into.ts';
import type { ImportContext, ImportRequest, ImportResult } from '../../src/mirror/import/import-request.ts';
import { silent } from '../../src/mirror/observer.ts';
import type { MirrorPolicy } from '../../src/mirror/plan/plan.ts';
import { type RefScope, refPrefixes, wholeScope } from '../../src/mirror/plan/ref-scope.ts';
import { openGitSource } from '../../src/mirror/remote/git-source.ts';
import { openConnection } from '../../src/mirror/remote/open-connection.ts';
import { parseRemoteAddress } from '../../src/mirror/remote/remote-address.ts';
import type { Source } from '../../src/mirror/remote/source.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import type { GitRepository } from '../../src/repository/git/git-repository.ts';
import { HeightMemory } from '../../src/repository/intake/heights/height-memory.ts';
import { RepositoryRig } from './repository-rig.ts';
import { type TempDir, tempDir } from './temp-dir.ts';

/** Branches move forward, nothing else changes. */
export const SYNC: MirrorPolicy = { mode: 'sync', force: false, prune: false };
export const BRANCHES_AND_TAGS: RefScope = { ...wholeScope, tags: true };

/** The protocol that a source is read with. */
type Protocol = 0 | 1 | 2 | 'auto';

export class ImportRig implements AsyncDisposable {
  readonly rig: RepositoryRig;
  readonly folder: string;
  readonly context: ImportContext;
  /** Names of the git commands that imports have run, those of sources apart. */
  readonly commands: string[] = [];
  private readonly temp: TempDir;
  private readonly git: Git;

  private constructor(temp: TempDir, store: ObjectStore | undefined, seed: number) {
    this.temp = temp;
    this.folder = temp.path;
    this.rig = new RepositoryRig({
      folder: join(temp.path, 'cache'),
      seed,
      ...(store === undefined ? {} : { store }),
    });
    const observer = { started: (name: string) => this.commands.push(name), ended: () => undefined };
    this.git = new Git({ binary: 'git', home: temp.path, observer });
    const { artifacts, cache, clock, random } = this.rig;
    const limits = { packBytes: 0, objectBytes: 2 ** 26, heldBytes: 2 ** 26, linkingBytes: 2 ** 24 };
    const [scratch, heights] = [join(temp.path, 'scratch'), new HeightMemory(1_000)];
    this.context = { git: this.git, artifacts, cache, clock, random, scratch, limits, heights };
  }

  /** @param seed another one for each that shares a store */
  static async open(store?: ObjectStore, seed = 1): Promise<ImportRig> {
    const rig = new ImportRig(await tempDir('cairn-import'), store, seed);
    await mkdir(rig.context.scratch);
    return rig;
  }

  /** Imports all branches and tags, unless the request says otherwise. */
  async import(
    repository: GitRepository,
    from: string | Source,
    parts: Partial<ImportRequest> = {},
  ): Promise<ImportResult> {
    const { signal } = new AbortController();
    const { scope = BRANCHES_AND_TAGS } = parts;
    const source = typeof from === 'string' ? await openSource(from, scope) : from;
    try {
      return await importInto(this.context, {
        repository,
        source,
        scope,
        policy: SYNC,
        create: true,
        dryRun: false,
        bestEffort: false,
        limits: { maxPackBytes: undefined },
        observer: silent,
        signal,
        ...parts,
      });
    } finally {
      await source[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig.cache.close();
    await this.git.close();
    await this.temp[Symbol.asyncDispose]();
  }
}

/** Opens a repository at a path or URL for reading. */
export function openSource(
  at: string,
  scope: RefScope = BRANCHES_AND_TAGS,
  protocol: Protocol = 'auto',
): Promise<Source> {
  const { signal } = new AbortController();
  const prefixes = refPrefixes(scope);
  return openGitSource(openConnection(parseRemoteAddress(at)), {
    protocol,
    agent: 'cairn',
    prefixes,
    signal,
  });
}
