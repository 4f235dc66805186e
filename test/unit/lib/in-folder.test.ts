import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inFolder } from '../../../src/lib/in-folder.ts';
import { ScratchFiles } from '../../../src/lib/scratch-files.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

it('creates a folder that has gone, for this user alone, and does the work once more', async () => {
  await using temporary = await tempDir();
  const folder = join(temporary.path, 'lost');
  let tries = 0;
  await inFolder(folder, () => {
    tries++;
    return writeFile(join(folder, 'file'), 'x');
  });
  expect(tries).toBe(2);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

it('does no work again that has failed otherwise, nor without end', async () => {
  await using temporary = await tempDir();
  let tries = 0;
  const attempt = (work: () => Promise<unknown>) =>
    inFolder(temporary.path, () => {
      tries++;
      return work();
    });
  await expect(attempt(() => mkdir(temporary.path))).rejects.toMatchObject({ code: 'EEXIST' });
  expect(tries).toBe(1);
  await expect(attempt(() => rm(join(temporary.path, 'none')))).rejects.toMatchObject({ code: 'ENOENT' });
  expect(tries).toBe(3);
});

it('scratch files do not need the folder to be there still', async () => {
  await using temporary = await tempDir();
  const folder = join(temporary.path, 'scratch');
  await mkdir(folder);
  const files = new ScratchFiles(folder, 1_000);
  await rm(folder, { recursive: true });
  await using file = await files.open();
  expect(file.length).toBe(0);
});
