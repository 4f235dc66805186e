import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTemporaryFolder, removeLeftFolders } from '../../../src/lib/temporary-folder.ts';

const MODULE = fileURLToPath(new URL('../../../build/modules/lib/temporary-folder.js', import.meta.url));
const PROGRAM = `
  const { openTemporaryFolder } = await import(process.argv[1]);
  const { writeFileSync } = await import('node:fs');
  const { path } = await openTemporaryFolder('import', process.argv[2]);
  writeFileSync(path + '/pack', 'left behind');
  console.log(path);
  setInterval(() => undefined, 60_000);
`;

let parent: string;
let children: ChildProcess[];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'parent-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) await kill(child);
  await rm(parent, { recursive: true, force: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** A process with such a folder. */
async function startProcess(): Promise<{ readonly child: ChildProcess; readonly path: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, MODULE, parent], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [printed] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { child, path: printed.toString().trim() };
}

test('the folder of a killed process is removed by the next one, that of a living or stopped process is not', async () => {
  const [killed, living, stopped] = await Promise.all([startProcess(), startProcess(), startProcess()]);
  await kill(killed.child);
  stopped.child.kill('SIGSTOP');
  const folder = await openTemporaryFolder('fold', parent);
  await folder[Symbol.asyncDispose]();
  expect((await readdir(parent)).map((name) => join(parent, name)).sort()).toEqual(
    [living.path, stopped.path].sort(),
  );
  expect(existsSync(join(living.path, 'pack'))).toBe(true);
});

test('several processes may remove the same folder at once', async () => {
  const { child } = await startProcess();
  await kill(child);
  await Promise.all(Array.from({ length: 5 }, () => removeLeftFolders(parent)));
  expect(await readdir(parent)).toEqual([]);
});

test('nothing else is removed: no folder without a socket, of another name, or behind a link', async () => {
  const { child, path } = await startProcess();
  await kill(child);
  const elsewhere = join(parent, 'elsewhere');
  await mkdir(join(parent, 'cairn-import-without'));
  await mkdir(elsewhere);
  await symlink(path, join(parent, 'cairn-import-link'));
  await writeFile(join(parent, 'cairn-import-file'), '');
  await removeLeftFolders(parent);
  expect((await readdir(parent)).sort()).toEqual(
    ['cairn-import-file', 'cairn-import-link', 'cairn-import-without', 'elsewhere'].sort(),
  );
});

test('where the path is too long for a socket there is a folder all the same', async () => {
  const long = join(parent, 'x'.repeat(100));
  await mkdir(long);
  const folder = await openTemporaryFolder('import', long);
  expect(existsSync(folder.path)).toBe(true);
  await folder[Symbol.asyncDispose]();
  expect(await readdir(long)).toEqual([]);
});
