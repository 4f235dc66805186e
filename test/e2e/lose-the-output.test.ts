/** Whoever reads the output may go away, and a disk that it goes to may be full: work that has begun is done all the same. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { GitClient } from '../helpers/git-client.ts';
import { mirrorRig, refsIn } from '../helpers/mirror-rig.ts';
import { MAIN, repositoryUrl, spawnServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const saidOn = async (stream: Readable | null) => (stream === null ? '' : text(stream));
const exitCodeOf = async (child: ChildProcess): Promise<unknown> => (await once(child, 'exit'))[0];

it('a mirror run goes on if nobody reads its standard error any more', async () => {
  await using rig = await mirrorRig();
  await rig.author.commit('One', { file: '1\n' });
  await rig.author.run(['push', '--quiet', 'origin', 'main']);
  // The trace writes to standard error from the first request on.
  const env = { PATH: process.env['PATH'], HOME: rig.folder, CAIRN_HTTP_TRACE: '1' };
  const args = [MAIN, 'mirror', 'sync', rig.sourceUrl, rig.targetUrl, '--json'];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.destroy();
  const [stdout, exitCode] = await Promise.all([text(child.stdout), exitCodeOf(child)]);
  expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { outcome: 'ok', counts: { applied: 1 } }]);
  expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
});

it('a server goes on if nobody reads its log any more', async () => {
  await using folder = await tempDir();
  await using server = await spawnServer([
    '--store',
    `file:${folder.path}/store`,
    '--cache',
    `${folder.path}/cache`,
  ]);
  server.closeLog();
  const work = await new GitClient(folder.path).init('work');
  const tip = await work.commit('One', { file: '1\n' });
  for (const branch of ['a', 'b']) {
    await work.run(['push', '--quiet', repositoryUrl(server, 'told'), `main:${branch}`]);
    await sleep(50);
  }
  expect(await work.run(['ls-remote', repositoryUrl(server, 'told'), 'b'])).toContain(tip);
});

it.skipIf(!existsSync('/dev/full'))('a full disk behind the output is told of in one line', async () => {
  const full = openSync('/dev/full', 'w');
  try {
    const args = [MAIN, 'mirror', 'sync', '--json'];
    const unwritten = spawn(process.execPath, args, { stdio: ['ignore', full, 'pipe'] });
    const [words, exitCode] = await Promise.all([saidOn(unwritten.stderr), exitCodeOf(unwritten)]);
    expect(words).toMatch(/^cairn: missing .*\ncairn: standard output cannot be written: ENOSPC.*\n$/);
    expect(exitCode).toBe(1);
    // The document is what a program reads. That the words of its error are lost changes nothing.
    const silent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', full] });
    const [document, code] = await Promise.all([saidOn(silent.stdout), exitCodeOf(silent)]);
    expect([JSON.parse(document), code]).toMatchObject([{ outcome: 'configuration' }, 5]);
  } finally {
    closeSync(full);
  }
});
