/** Every git process that a client's data reaches runs under a memory limit; one that dies by it is a refusal with that reason. */

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GivenFlags } from '../../src/config/given-flags.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { stateOn } from '../helpers/folded.ts';
import { GitClient } from '../helpers/git-client.ts';
import { gitAfter } from '../helpers/git-script.ts';
import {
  commitObject,
  fetchFrom,
  objectId,
  packOf,
  push,
  pushHead,
  type RawObject,
  reportOf,
  treeObject,
} from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const MIB = 2 ** 20;

let folder: TempDir;
const servers: App[] = [];

beforeAll(async () => {
  folder = await tempDir('cairn-memory');
});

afterAll(async () => {
  for (const server of servers) await server.close();
  await folder[Symbol.asyncDispose]();
});

async function serverWith(
  flags: GivenFlags,
  store = new MemoryObjectStore(),
  onLog: (line: string) => void = () => undefined,
): Promise<App> {
  const server = await startServer({ store, flags, onLog, overrides: { background: false } });
  servers.push(server);
  return server;
}

async function userOf(name: string): Promise<GitClient> {
  await mkdir(join(folder.path, name));
  return new GitClient(join(folder.path, name)).init('work');
}

describe('a git process (issue 11, point 3)', () => {
  it('that the kernel kills for its memory is no fault of the push that it worked for', async () => {
    const git = await gitAfter(
      join(folder.path, 'killed-git'),
      'case "$*" in *index-pack*) test -e "$0.fine" || { head -c 100 > /dev/null; kill -KILL $$; };; esac',
    );
    const server = await serverWith({ git });
    const user = await userOf('killed');
    await user.addRemote(repositoryUrl(server, 'killed'));
    await user.commit('one', { file: randomBytes(100) });
    for (const size of [100, 2 * MIB]) {
      await user.commit('more', { file: randomBytes(size) });
      const push = await user.try(['push', 'origin', 'main']);
      expect(push.stderr).toMatch(/the server seems to be short of memory, try again in a moment/);
      expect(push.stderr).not.toMatch(/SIGKILL|unpacker error|pack is/);
    }
    await writeFile(`${git}.fine`, '');
    expect((await user.try(['push', 'origin', 'main'])).exitCode).toBe(0);
  });

  it('of every kind runs under the limit of --git-memory', async () => {
    const log = join(folder.path, 'limits');
    const git = await gitAfter(
      join(folder.path, 'logging-git'),
      `echo "$(ulimit -d) $(ulimit -v) $(cat /proc/self/oom_score_adj) $1" >> ${log}`,
    );
    const server = await serverWith({ git, 'git-memory': '256MiB' });
    const url = repositoryUrl(server, 'limited');
    const user = await userOf('limited');
    await user.commit('One', { file: 'one\n' });
    await user.run(['push', '--quiet', url, 'HEAD:main', 'HEAD:other']);
    // More than goes to the launcher: index-pack is started by the server itself.
    await user.commit('Two', { large: randomBytes(2 * MIB) });
    await user.run(['tag', '-a', '-m', 'A tag', 'v1']);
    await user.run(['push', '--quiet', url, 'HEAD:main', 'v1']);
    // A walk: its pack may lack what a client with little history has not sent.
    await user.clone(url, 'shallow', '--depth=1');
    const shallow = user.at('shallow');
    await shallow.commit('Three', { file: 'three\n' });
    await shallow.run(['push', '--quiet', 'origin', 'HEAD:main']);
    await server.fold(repositoryId(OWNER, 'limited'));
    const lines = (await readFile(log, 'utf8')).trim().split('\n');
    const names = new Set(lines.map((line) => line.split(' ')[3]));
    for (const name of ['index-pack', 'upload-pack', 'pack-objects', 'rev-list', 'commit-graph'])
      expect(names).toContain(name);
    const limits = new Set(lines.map((line) => line.split(' ').slice(0, 3).join(' ')));
    const limited = (mib: number) => `${mib * 1024} ${(4 * mib + 2048) * 1024} 500`;
    // A fold has four shares, and what unpacks a push leaves room for those who serve it.
    expect([...limits].sort()).toEqual([limited(4 * 256), limited(192), limited(256)]);
  });

  it('is started by one function only, which sets the limit (issue 11, point 3)', async () => {
    const starts: Record<string, number> = {};
    const opened: string[] = [];
    for (const name of (await readdir('src', { recursive: true })).filter((file) => file.endsWith('.ts'))) {
      const text = (await readFile(join('src', name), 'utf8')).replace(/^ *(\/\*|\*|\/\/).*$/gm, '');
      const calls = text.match(/\b(?:spawn|exec|fork|promisify|execa)(?:Sync|File|FileSync)?\(/g) ?? [];
      const usesProcesses = /'(?:node:)?child_process'|'execa'/.test(text);
      if (usesProcesses) starts[name] = calls.length;
      if (/\bnew Git\(/.test(text)) opened.push(name);
    }
    expect(starts, 'a new start of a process needs a memory limit').toEqual({
      // What a user runs, on data of their own.
      'cli/credential/credential-install.ts': 1,
      // The browser of whoever signs in.
      'cli/open.ts': 1,
      // git, behind the limit: with open streams, with bounded output, and by the launcher, which is started as well.
      'git-process/bounded-process.ts': 1,
      'git-process/piped-process.ts': 1,
      // taskset, with numbers alone; the two others read texts.
      'git-process/gather-threads.ts': 3,
      'git-process/launcher-program.ts': 1,
      'git-process/launcher.ts': 1,
      // `git version` in front of everything.
      'git-process/memory-limit.ts': 1,
      // What a user runs to mirror: helpers for credentials, and `ssh` or git at the other end. Servers refuse both.
      'mirror/remote/git-credential.ts': 1,
      'mirror/remote/remote-process.ts': 1,
      'mirror/remote/ssh-connection.ts': 1,
    });
    // A user's own mirror has git for scratch repositories; the mirrors that a server keeps use the git of the server. `beside` makes the
    // git of pages, with a budget of its own.
    expect(opened.sort(), 'every git of a server has a budget').toEqual([
      'cli/import/import-converted.ts',
      'git-process/git.ts',
      'mirror/mirror.ts',
      'server/open-git.ts',
    ]);
    const git = await readFile('src/git-process/git.ts', 'utf8');
    expect(git.match(/\.\.\.limitMemory\(most, /g)).toHaveLength(1);
    expect(git.match(/= this\.shares\.take\(command\);/g), 'one for each way to start').toHaveLength(2);
  });
});

describe('a push that needs more memory than git’s limit (issue 11, point 3)', () => {
  /** 15 MiB twice, of which the second is a difference from the first: 15 KB to send. */
  const base: RawObject = { type: 'blob', content: Buffer.alloc(15 * MIB) };
  const grown: RawObject = { type: 'blob', content: Buffer.concat([base.content, Buffer.from('x')]) };
  const trees = [treeObject('file', objectId(base)), treeObject('file', objectId(grown))] as const;
  const first = commitObject(objectId(trees[0]));
  const second = commitObject(objectId(trees[1]), [objectId(first)]);
  const delta = { base: objectId(base), baseLength: base.content.length, append: Buffer.from('x') };
  const bomb = packOf([second, first, ...trees, base, delta]);
  const head = pushHead([{ name: 'refs/heads/main', to: objectId(second) }]);

  it('is refused with the reason, and leaves nothing', async () => {
    const store = new MemoryObjectStore();
    const server = await serverWith({ 'git-memory': '24MiB' }, store);
    const answer = await push(repositoryUrl(server, 'bombed'), Buffer.concat([head, bomb]));
    const reason = 'git index-pack needs more memory for this than it may have here (--git-memory)';
    expect(answer.status).toBe(200);
    expect(reportOf(answer)).toEqual([`unpack ${reason}`, `ng refs/heads/main ${reason}`]);
    const keys: string[] = [];
    for await (const { key } of store.list('v1/repos/')) keys.push(key);
    expect(keys).toEqual([]);
  });

  it('is accepted with a higher limit', async () => {
    const server = await serverWith({ 'git-memory': '256MiB' });
    const answer = await push(repositoryUrl(server, 'allowed'), Buffer.concat([head, bomb]));
    expect(reportOf(answer)).toEqual(['unpack ok', 'ok refs/heads/main']);
  });
});

describe('the smallest --git-memory (issue 11, point 3)', () => {
  it('is enough to push, clone and fold a file of 100 MiB, and other files larger than the limit together', async () => {
    const server = await serverWith({ 'git-memory': '16MiB' });
    const url = repositoryUrl(server, 'large');
    const user = await userOf('large');
    const files = Array.from({ length: 20 }, (_, at) => [`random/${at}`, randomBytes(MIB)] as const);
    await user.commit('Large', { large: Buffer.alloc(100 * MIB), ...Object.fromEntries(files) });
    await user.run(['push', '--quiet', url, 'HEAD:main']);
    await user.commit('Small', { small: 'small\n' });
    await user.run(['push', '--quiet', url, 'HEAD:main']);
    await user.clone(url, 'before', '--bare', '--depth=1');
    await user.at('before').run(['fsck', '--connectivity-only']);
    await server.fold(repositoryId(OWNER, 'large'));
    const { manifest } = await stateOn(server, repositoryId(OWNER, 'large'));
    expect(manifest.packs.map(({ kind }) => kind)).toEqual(['fold']);
    expect(manifest.packs[0]?.pack.size).toBeGreaterThan(20 * MIB);
  }, 240_000);
});

describe('a fetch that needs more memory than git’s limit (issue 11, point 3)', () => {
  it('is answered with that reason, not with a fault of the server', async () => {
    const failing = `case "$1 $2 $3" in "upload-pack --stateless-rpc --strict")
      cat >/dev/null; echo "fatal: Out of memory, malloc failed (tried to allocate 1 bytes)" >&2; exit 128;; esac`;
    const git = await gitAfter(join(folder.path, 'failing-git'), failing);
    const server = await serverWith({ git });
    const url = repositoryUrl(server, 'fetched');
    const user = await userOf('fetched');
    const tip = await user.commit('One', { file: 'one\n' });
    await user.run(['push', '--quiet', url, 'HEAD:main']);
    const body = `0032want ${tip}\n000cdeepen 10000`.replace('000cdeepen 1', '000ddeepen 1\n');
    const answer = await fetchFrom(url, Buffer.from(`${body}0009done\n`));
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).toContain('git upload-pack needs more memory for this than it may have here');
  });

  /** A folder whose list of entries is larger than `--git-memory` at the least. */
  const blob: RawObject = { type: 'blob', content: Buffer.from('a file\n') };
  const id = Buffer.from(objectId(blob), 'hex');
  const wide: RawObject = {
    type: 'tree',
    content: Buffer.concat(
      Array.from({ length: 600_000 }, (_, at) => [
        Buffer.from(`100644 ${String(at).padStart(9, '0')}\0`),
        id,
      ]).flat(),
    ),
  };
  const tip = commitObject(objectId(wide));

  it('in the middle of its pack is answered with that reason, not with corruption', async () => {
    const store = new MemoryObjectStore();
    const larger = await serverWith({ 'git-memory': '512MiB' }, store);
    const head = pushHead([{ name: 'refs/heads/main', to: objectId(tip) }]);
    const pack = packOf([tip, wide, blob]);
    const pushed = await push(repositoryUrl(larger, 'wide'), Buffer.concat([head, pack]));
    expect(reportOf(pushed)).toEqual(['unpack ok', 'ok refs/heads/main']);
    const log: string[] = [];
    const server = await serverWith({ 'git-memory': '16MiB' }, store, (line) => log.push(line));
    const url = repositoryUrl(server, 'wide');
    const user = await userOf('wide');
    const reason = 'git pack-objects needs more memory for this than it may have here (--git-memory)';
    for (const version of [0, 2]) {
      const asking = user.with(`protocol.version=${version}`);
      const cloned = await asking.try(['clone', '--bare', '--depth=1', url, `copy-${version}`]);
      expect(cloned.exitCode).not.toBe(0);
      expect(cloned.stderr, `version ${version}`).toContain(`remote: ${reason}`);
      expect(cloned.stderr).not.toContain('corruption');
    }
    expect(log.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  }, 120_000);
});
