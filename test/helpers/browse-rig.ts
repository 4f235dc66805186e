import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RepositoryView } from '../../src/browse/repository-view.ts';
import type { ObjectFormat } from '../../src/git/index.ts';
import { ComparisonSession } from '../../src/git-process/comparison-session.ts';
import { Git } from '../../src/git-process/git.ts';
import { ObjectSession } from '../../src/git-process/object-session.ts';
import { sha256 } from '../../src/lib/digest.ts';
import { GitClient } from './git-client.ts';
import { manifestOf } from './repository-rig.ts';
import { type TempDir, tempDir } from './temp-dir.ts';

/** A repository that real git works in, and that pages read: what stands between, the object store, is left out. */
export class BrowseRig implements AsyncDisposable {
  /** The real git in the working folder. */
  readonly client: GitClient;
  readonly format: ObjectFormat;
  /** Names of the commands that pages have started. */
  readonly started: string[] = [];
  private readonly folder: TempDir;
  private readonly git: Git;
  private readonly sessions: { close(): Promise<void> }[] = [];

  private constructor(folder: TempDir, client: GitClient, format: ObjectFormat) {
    this.folder = folder;
    this.client = client;
    this.format = format;
    const observer = { started: (name: string) => void this.started.push(name), ended: () => undefined };
    this.git = new Git({ binary: 'git', home: folder.path, observer });
  }

  static async open(format: ObjectFormat = 'sha1'): Promise<BrowseRig> {
    const folder = await tempDir('cairn-browse');
    const client = await new GitClient(folder.path).init('r', `--object-format=${format}`);
    return new BrowseRig(folder, client, format);
  }

  /** The state of the repository as it is now. @param signal of the visitor */
  async view(signal: AbortSignal = new AbortController().signal): Promise<RepositoryView> {
    const listed = await this.client.run([
      'for-each-ref',
      '--format=%(objectname) %(refname) %(*objectname)',
    ]);
    const lines = listed.split('\n').map((line) => line.split(' '));
    const refs = new Map(lines.map(([oid = '', name = '']) => [name, oid]));
    const peeled = new Map(
      lines.flatMap(([, name = '', target = '']) => (target === '' ? [] : [[name, target] as const])),
    );
    refs.delete('');
    const gitDir = join(this.client.folder, '.git');
    const session = new ObjectSession(this.git, gitDir);
    const comparisons = new ComparisonSession(this.git, gitDir);
    this.sessions.push(session, comparisons);
    const written = await readFile(join(gitDir, 'objects/info/commit-graph')).catch(() => undefined);
    const graph = written === undefined ? {} : { graph: { digest: sha256(written), size: written.length } };
    const head = 'refs/heads/main';
    const manifest = manifestOf({ objectFormat: this.format, head, refs, peeled, ...graph });
    return { manifest, gitDir: async () => gitDir, session, comparisons, git: this.git, signal };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) await session.close();
    await this.git.close();
    await this.folder[Symbol.asyncDispose]();
  }
}
