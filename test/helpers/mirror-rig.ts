import { join } from 'node:path';
import { GitClient } from './git-client.ts';
import { type GitHttpHost, type GitHttpHostOptions, startGitHttpHost } from './git-http-host.ts';
import { tempDir } from './temp-dir.ts';

/** Two bare repositories behind `git http-backend`, and a user who works on the source. */
export interface MirrorRig extends AsyncDisposable {
  readonly folder: string;
  readonly host: GitHttpHost;
  readonly sourceUrl: string;
  readonly targetUrl: string;
  /** Works in a clone of the source; `origin` is the source. */
  readonly author: GitClient;
  /** Work in the bare repositories themselves. */
  readonly source: GitClient;
  readonly target: GitClient;
}

export interface MirrorRigOptions extends GitHttpHostOptions {
  /** `sha1` unless given. */
  readonly objectFormat?: 'sha1' | 'sha256';
  /** False: the source sends no packs without trees and blobs. */
  readonly canFilter?: boolean;
}

export async function mirrorRig(options: MirrorRigOptions = {}): Promise<MirrorRig> {
  const { objectFormat = 'sha1', canFilter = true } = options;
  const folder = await tempDir();
  const user = new GitClient(folder.path);
  const format = `--object-format=${objectFormat}`;
  const source = await user.init('source.git', '--bare', format);
  const target = await user.init('target.git', '--bare', format);
  await source.run(['config', 'uploadpack.allowFilter', String(canFilter)]);
  const author = await user.init('author', format);
  await author.addRemote(source.folder);
  const host = await startGitHttpHost(folder.path, options);
  return {
    folder: folder.path,
    host,
    sourceUrl: `${host.url}/source.git`,
    targetUrl: `${host.url}/target.git`,
    author,
    source,
    target,
    [Symbol.asyncDispose]: async () => {
      await host[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** What a repository has, as `for-each-ref` lists it. */
export function refsIn(repository: GitClient, ...patterns: string[]): Promise<string> {
  return repository.run(['for-each-ref', '--format=%(objectname) %(refname)', ...patterns]);
}

/** The path of a folder beside the repositories of a rig. */
export function beside(rig: MirrorRig, name: string): string {
  return join(rig.folder, name);
}
