import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { formatKeyFile } from '../../../src/nostr/key-file.ts';
import { readKeyFile } from '../../../src/server/keys.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const KEY = '1f'.repeat(32);

it('a key is read from a pipe, as a shell makes one of a command', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'pipe');
  await promisify(execFile)('mkfifo', ['-m', '600', path]);
  const [key] = await Promise.all([readKeyFile(path), writeFile(path, formatKeyFile(KEY))]);
  expect(key).toBe(KEY);
});

it('a folder is no key', async () => {
  await using folder = await tempDir();
  await expect(readKeyFile(folder.path)).rejects.toMatchObject({ kind: 'invalid' });
});
