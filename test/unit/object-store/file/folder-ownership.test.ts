import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Random, systemRandom } from '../../../../src/lib/random.ts';
import { claimFolder, FolderTakenError } from '../../../../src/object-store/file/folder-ownership.ts';
import { openFileStore } from '../../../../src/object-store/file/open-file-store.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

/** Of two processes each; `CAIRN_TEST_CLAIMS=60` is for whoever changes how folders are claimed. */
const ROUNDS = Number(process.env['CAIRN_TEST_CLAIMS'] ?? 20);
const CLAIMANT = fileURLToPath(new URL('../claimant.mjs', import.meta.url));

interface Claimant {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  /** `owner`, or the refusal. */
  readonly said: string;
}

async function start(folder: string): Promise<Claimant> {
  const child = spawn(process.execPath, [CLAIMANT, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.endsWith('\n')) break;
  }
  return { child, said: said.trim() };
}

async function kill(child: Claimant['child']): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

describe('the ownership of a folder', () => {
  it('belongs to exactly one of two processes that start at once, and ends when the owner is killed', async () => {
    await using folder = await tempDir();
    for (let round = 0; round < ROUNDS; round++) {
      const both = await Promise.all([start(folder.path), start(folder.path)]);
      const owners = both.filter(({ said }) => said === 'owner');
      const refused = both.filter(({ said }) => said.startsWith('refused:'));
      await Promise.all(both.map(({ child }) => kill(child)));
      expect([round, owners.length, refused.length], JSON.stringify(both.map(({ said }) => said))).toEqual([
        round,
        1,
        1,
      ]);
      expect(refused[0]?.said).toContain(`in use by process ${owners[0]?.child.pid}`);
    }
    // Owners clean up behind one another: what is left is the last claim and what the last round dropped.
    expect((await readdir(join(folder.path, 'ownership'))).length).toBeLessThan(10);
  });

  it('is refused to a second claimant in the same process, and free after a release', async () => {
    await using folder = await tempDir();
    const first = await claimFolder(folder.path);
    await expect(claimFolder(folder.path, 'cache')).rejects.toThrow(FolderTakenError);
    await expect(claimFolder(folder.path, 'cache')).rejects.toThrow(
      `the cache folder ${folder.path} is in use by process ${process.pid}`,
    );
    await first.release();
    const second = await claimFolder(folder.path);
    await second.release();
  });

  it('is found even if the path is too long for a socket', async () => {
    await using folder = await tempDir();
    const long = join(folder.path, 'x'.repeat(120), 'y'.repeat(120));
    const owner = await openFileStore(long, { onOwned: 'refuse' });
    await expect(openFileStore(long, { onOwned: 'refuse' })).rejects.toThrow(FolderTakenError);
    const remote = await openFileStore(long, { onOwned: 'use-owner' });
    await remote.store.put('k', Buffer.from('x'), { mode: 'create' });
    expect((await owner.store.head('k')).found).toBe(true);
    await remote.close();
    await owner.close();
    const next = await openFileStore(long, { onOwned: 'refuse' });
    await next.close();
  });

  it('can be reached by this user only', async () => {
    await using folder = await tempDir();
    const ownership = await claimFolder(folder.path);
    const claims = join(folder.path, 'ownership');
    const [socket = ''] = (await readdir(claims)).filter((name) => name.endsWith('.sock'));
    expect((await stat(join(claims, socket))).mode & 0o777).toBe(0o600);
    expect((await stat(claims)).mode & 0o777).toBe(0o700);
    await ownership.release();
  });

  it('is claimed again by a slow process that others have overtaken', async () => {
    await using folder = await tempDir();
    const claims = join(folder.path, 'ownership');
    await mkdir(claims);
    await writeFile(
      join(claims, 'owner-1'),
      JSON.stringify({ socket: 'aa.sock', pid: 1, host: 'h', since: 's' }),
    );
    let calls = 0;
    // Between reading owner-1 and claiming owner-2 somebody else claims 2, is killed, and a third claims 3 and cleans up.
    const slow: Random = {
      ...systemRandom,
      hex: (count) => {
        if (++calls === 2) {
          const third = JSON.stringify({ socket: 'bb.sock', pid: 2, host: 'h', since: 's' });
          writeFileSync(join(claims, 'owner-3'), third);
          rmSync(join(claims, 'owner-1'));
        }
        return systemRandom.hex(count);
      },
    };
    const ownership = await claimFolder(folder.path, 'data', slow);
    const names = (await readdir(claims)).filter((name) => name.startsWith('owner-'));
    expect(names).toEqual(['owner-4']);
    await ownership.release();
  });

  it('is checked again if another process made the next claim first, and refused if that one is alive', async () => {
    await using folder = await tempDir();
    const other = await claimFolder(folder.path);
    const claims = join(folder.path, 'ownership');
    // The living owner's claim as the second of two, unseen until ours is about to be made.
    let calls = 0;
    const hidden = join(folder.path, 'hidden');
    mkdirSync(hidden);
    linkSync(join(claims, 'owner-1'), join(hidden, 'owner-1'));
    rmSync(join(claims, 'owner-1'));
    const late: Random = {
      ...systemRandom,
      hex: (count) => {
        if (++calls === 2) linkSync(join(hidden, 'owner-1'), join(claims, 'owner-1'));
        return systemRandom.hex(count);
      },
    };
    await expect(claimFolder(folder.path, 'data', late)).rejects.toThrow(FolderTakenError);
    await other.release();
  });

  it('is not held by a claim that was incomplete after a crash of the machine', async () => {
    await using folder = await tempDir();
    const claims = join(folder.path, 'ownership');
    await mkdir(claims);
    await writeFile(join(claims, 'owner-7'), '{"sock');
    const ownership = await claimFolder(folder.path);
    await expect(claimFolder(folder.path)).rejects.toThrow(FolderTakenError);
    await ownership.release();
  });
});

describe('a remote store', () => {
  it('works while the owner is alive, and reports clearly when it is not', async () => {
    await using folder = await tempDir();
    const owner = await openFileStore(folder.path, { onOwned: 'refuse' });
    const remote = await openFileStore(folder.path, { onOwned: 'use-owner' });
    expect([owner.access, remote.access]).toEqual(['owned', 'remote']);
    const written = await remote.store.put('k', Buffer.from('x'), { mode: 'create' });
    expect(written).toMatchObject({ outcome: 'written' });
    await owner.close();
    await expect(remote.store.get('k')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(remote.store.put('l', Buffer.from('x'), { mode: 'create' })).rejects.toMatchObject({
      kind: 'unavailable',
    });
    await remote.close();
  });

  it('returns the owner’s errors about bad requests and damage', async () => {
    await using folder = await tempDir();
    const owner = await openFileStore(folder.path, { onOwned: 'refuse' });
    const remote = await openFileStore(folder.path, { onOwned: 'use-owner' });
    await mkdir(join(folder.path, 'objects'), { recursive: true });
    await writeFile(join(folder.path, 'objects', 'bad@'), 'not an object');
    await expect(remote.store.head('bad')).rejects.toMatchObject({ kind: 'corrupt' });
    await expect(remote.store.get('bad')).rejects.toMatchObject({ kind: 'corrupt' });
    await remote.close();
    await owner.close();
  });

  it('is opened as owner if nobody owns the folder', async () => {
    await using folder = await tempDir();
    const opened = await openFileStore(folder.path, { onOwned: 'use-owner' });
    expect(opened.access).toBe('owned');
    await opened.close();
  });
});
