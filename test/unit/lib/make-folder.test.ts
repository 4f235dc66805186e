import { chmod, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import {
  makeFolder,
  openOwnFolder,
  openPrivateFolder,
  PRIVATE_FOLDER,
} from '../../../src/lib/make-folder.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

let folder: TempDir;
beforeAll(async () => {
  folder = await tempDir();
});
afterAll(() => folder[Symbol.asyncDispose]());

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

it('all missing folders are made, and the uppermost new one is returned', async () => {
  expect(await makeFolder(join(folder.path, 'a', 'b', 'c'))).toBe(join(folder.path, 'a'));
  expect(await makeFolder(join(folder.path, 'a', 'b', 'd'))).toBe(join(folder.path, 'a', 'b', 'd'));
  expect(await makeFolder(join(folder.path, 'a', 'b'))).toBeUndefined();
  expect(await makeFolder('/')).toBeUndefined();
});

it('every new folder gets the requested mode under any umask, and existing ones stay unchanged (issue 11, point 24)', async () => {
  await mkdir(join(folder.path, 'there'));
  await chmod(join(folder.path, 'there'), 0o755);
  await makeFolder(join(folder.path, 'there', 'x', 'y'), PRIVATE_FOLDER);
  expect(await modeOf(join(folder.path, 'there'))).toBe(0o755);
  expect(await modeOf(join(folder.path, 'there', 'x'))).toBe(0o700);
  expect(await modeOf(join(folder.path, 'there', 'x', 'y'))).toBe(0o700);
  // The usual umask takes rights from this one.
  await makeFolder(join(folder.path, 'wide', 'open'), 0o777);
  expect(await modeOf(join(folder.path, 'wide', 'open'))).toBe(0o777);
});

it('many callers can make the same folders at once', async () => {
  const paths = Array.from({ length: 50 }, (_, n) => join(folder.path, 'many', 'in', `${n % 5}`));
  await Promise.all(paths.map((path) => makeFolder(path)));
  for (const path of paths) expect((await stat(path)).isDirectory()).toBe(true);
});

it.runIf(process.platform === 'linux')('an impossible folder fails at once', async () => {
  for (const path of ['/proc/x', '/proc/x/y/z', '/proc/self/x/y', '/sys/x/y']) {
    await expect(makeFolder(path), path).rejects.toMatchObject({ syscall: 'mkdir' });
  }
});

it('a file or a dead link in the way is reported with the system’s reason (issue 11, point 25)', async () => {
  await writeFile(join(folder.path, 'file'), '');
  await symlink(join(folder.path, 'nowhere', 'at-all'), join(folder.path, 'dead'));
  await expect(makeFolder(join(folder.path, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder(join(folder.path, 'file', 'x'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(makeFolder(join(folder.path, 'dead', 'x'))).rejects.toMatchObject({ syscall: 'mkdir' });
});

it('a private folder that others may read is refused with advice, like a key (issue 11, point 24)', async () => {
  const path = join(folder.path, 'shared');
  await mkdir(path);
  for (const mode of [0o755, 0o750, 0o701, 0o770]) {
    await chmod(path, mode);
    await expect(openPrivateFolder(path, 'cache')).rejects.toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining(`run "chmod 700 ${path}"`),
    });
  }
  await chmod(path, 0o700);
  await openPrivateFolder(path, 'cache');
});

it('a folder with a predictable name is used only if it belongs to this user alone', async () => {
  const place = join(folder.path, 'missing', 'place');
  const own = join(place, 'own');
  await openOwnFolder(own, 'conversion');
  expect(await modeOf(own)).toBe(0o700);
  await openOwnFolder(own, 'conversion');

  await symlink(own, join(place, 'link'));
  await writeFile(join(place, 'file'), '', { mode: 0o700 });
  await symlink(join(place, 'nowhere'), join(place, 'dead'));
  for (const name of ['link', 'file', 'dead']) {
    const opening = openOwnFolder(join(place, name), 'conversion');
    await expect(opening, name).rejects.toMatchObject({ kind: 'forbidden' });
  }
  for (const mode of [0o755, 0o770, 0o702, 0o500]) {
    await chmod(own, mode);
    const opening = openOwnFolder(own, 'conversion');
    await expect(opening, mode.toString(8)).rejects.toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining('belongs to you alone'),
    });
  }
});

it('a folder of another user is refused, even if it is readable', async () => {
  const path = join(folder.path, 'of-another');
  await openOwnFolder(path, 'conversion');
  const { uid } = await stat(path);
  const asOther = vi.spyOn(process, 'getuid').mockReturnValue(uid + 1);
  onTestFinished(() => asOther.mockRestore());
  await expect(openOwnFolder(path, 'conversion')).rejects.toMatchObject({ kind: 'forbidden' });
});

it('a private folder of another user, or behind a link of another user, is refused (issue 13)', async () => {
  const path = join(folder.path, 'private');
  const link = join(folder.path, 'link-to-private');
  await openPrivateFolder(path, 'cache');
  await symlink(path, link);
  await openPrivateFolder(link, 'cache');
  const { uid } = await stat(path);
  const asOther = vi.spyOn(process, 'getuid').mockReturnValue(uid + 1);
  onTestFinished(() => asOther.mockRestore());
  for (const place of [path, link]) {
    await expect(openPrivateFolder(place, 'cache')).rejects.toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining('belongs to another user'),
    });
  }
});
