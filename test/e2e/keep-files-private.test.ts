import { chmod, lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GitClient, run } from '../helpers/git-client.ts';
import { MAIN, OWNER, repositoryUrl, spawnServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir();
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Every file, folder and socket at or below a path to which others than its owner have a right, with its mode. */
async function openToOthers(path: string): Promise<string[]> {
  const found = await lstat(path).catch(() => undefined);
  // Removed meanwhile.
  if (found === undefined) return [];
  const own = (found.mode & 0o077) === 0 ? [] : [`${path} ${(found.mode & 0o777).toString(8)}`];
  if (!found.isDirectory()) return own;
  const names = await readdir(path);
  return [...own, ...(await Promise.all(names.map((name) => openToOthers(join(path, name))))).flat()];
}

it('cache, data and key are readable by their user only, under any umask (issue 11, point 24)', async () => {
  const [store, cache] = [join(folder.path, 'data'), join(folder.path, 'cache')];
  const key = join(folder.path, 'keys', 'service.key');
  const before = process.umask(0);
  try {
    await using server = await spawnServer(['--store', `file:${store}`, '--cache', cache], {
      CAIRN_SERVICE_KEY: key,
    });
    const work = await new GitClient(folder.path).init('work');
    await work.commit('first', { a: '1\n' });
    await work.run(['push', repositoryUrl(server, 'work'), 'main']);
    await work.commit('second', { a: '2\n' });
    await work.run(['push', repositoryUrl(server, 'work'), 'main']);
    await new GitClient(folder.path).clone(repositoryUrl(server, 'work'), 'shallow', '--depth=1');
    expect(await openToOthers(cache)).toEqual([]);
    expect(await openToOthers(store)).toEqual([]);
    expect(await openToOthers(join(folder.path, 'keys'))).toEqual([]);
  } finally {
    process.umask(before);
  }
});

it('files of commands without a server are readable by their user only as well (issue 11, point 24)', async () => {
  const store = join(folder.path, 'made-by-command');
  const before = process.umask(0);
  try {
    const environment = { PATH: process.env['PATH'] ?? '' };
    const flags = ['--store', `file:${store}`, '--cache', join(folder.path, 'command-cache')];
    const made = await run(process.execPath, [MAIN, 'repo', 'create', `${OWNER}/x`, ...flags], {
      env: environment,
    });
    expect(made).toMatchObject({ exitCode: 0 });
    expect(await openToOthers(store)).toEqual([]);
  } finally {
    process.umask(before);
  }
});

it('a cache folder that others may read is refused at start, like a key (issue 11, point 24)', async () => {
  const cache = join(folder.path, 'shared');
  await mkdir(cache);
  await chmod(cache, 0o755);
  const args = ['serve', '--port', '0', '--store', `file:${join(folder.path, 'unused')}`, '--cache', cache];
  const environment = {
    PATH: process.env['PATH'] ?? '',
    CAIRN_SERVICE_KEY: join(folder.path, 'another.key'),
  };
  const refused = await run(process.execPath, [MAIN, ...args], { env: environment });
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain(
    `others may read or change the cache folder ${cache}: run "chmod 700 ${cache}"`,
  );
});

it('a data folder that others may read causes a warning (issue 11, point 24)', async () => {
  const store = join(folder.path, 'old-data');
  await mkdir(store);
  await chmod(store, 0o755);
  await using server = await spawnServer(['--store', `file:${store}`, '--cache', join(folder.path, 'third')]);
  await expect.poll(server.log).toContain(`chmod 700 ${store}`);
});

it('a variable that is no setting causes a warning (issue 11, point 24)', async () => {
  const flags = [
    '--store',
    `file:${join(folder.path, 'fourth-data')}`,
    '--cache',
    join(folder.path, 'fourth'),
  ];
  await using server = await spawnServer(flags, { CAIRN_STOR: 's3://elsewhere' });
  await expect.poll(server.log).toContain('CAIRN_STOR is not a setting of Cairn');
  const listed = await run(
    process.execPath,
    [MAIN, 'key', 'show', '--key', join(folder.path, 'keys/service.key')],
    {
      env: { PATH: process.env['PATH'] ?? '', CAIRN_KYE_FILE: 'x' },
    },
  );
  expect(listed).toMatchObject({
    exitCode: 0,
    stderr:
      'cairn: warning: CAIRN_KYE_FILE is not a setting of Cairn and has no effect; did you mean CAIRN_KEY_FILE?\n',
  });
});
