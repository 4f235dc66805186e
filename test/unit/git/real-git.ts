import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaSync } from 'execa';
import type { ObjectFormat } from '../../../src/git/object-id.ts';

/** A repository made by the installed git, to compare Cairn's bytes with git's. */
export class RealRepository implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'cairn-git-'));

  constructor(format: ObjectFormat = 'sha1') {
    this.git(['init', '--quiet', '--bare', '--initial-branch=main', `--object-format=${format}`, '.']);
  }

  /** Runs git in the repository and returns the bytes it wrote. Throws when it fails. */
  git(args: string[], options: { input?: string | Buffer; protocol?: string } = {}): Buffer {
    const { stdout } = execaSync('git', args, {
      cwd: this.path,
      input: options.input ?? '',
      encoding: 'buffer',
      stripFinalNewline: false,
      extendEnv: false,
      env: {
        PATH: process.env['PATH'],
        LC_ALL: 'C',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_AUTHOR_NAME: 'A U Thor',
        GIT_AUTHOR_EMAIL: 'author@example.com',
        GIT_COMMITTER_NAME: 'A U Thor',
        GIT_COMMITTER_EMAIL: 'author@example.com',
        ...(options.protocol && { GIT_PROTOCOL: `version=${options.protocol}` }),
      },
    });
    return Buffer.from(stdout.buffer, stdout.byteOffset, stdout.byteLength);
  }

  /** One commit, a few branches (one beyond the BMP, one just below it), a tag, and a tag of that tag. */
  populate(): void {
    const tree = this.git(['mktree']).toString().trim();
    const commit = this.git(['commit-tree', '-m', 'first', tree]).toString().trim();
    for (const name of [
      'heads/main',
      'heads/a/b',
      'heads/\uff5ewide',
      'heads/\u{1f600}smile',
      'tags/light',
    ]) {
      this.git(['update-ref', `refs/${name}`, commit]);
    }
    this.git(['tag', '-a', '-m', 'annotated', 'v1', commit]);
    this.git(['tag', '-a', '-m', 'nested', 'v1-again', 'v1']);
  }

  /** Every ref in the order git lists them, and what annotated tags point at in the end. */
  refs(): { refs: [string, string][]; peeled: Map<string, string> } {
    const refs: [string, string][] = [];
    const peeled = new Map<string, string>();
    for (const line of this.git(['show-ref', '--dereference']).toString().trimEnd().split('\n')) {
      const [oid = '', name = ''] = line.split(' ');
      if (name.endsWith('^{}')) peeled.set(name.slice(0, -3), oid);
      else refs.push([name, oid]);
    }
    return { refs, peeled };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
