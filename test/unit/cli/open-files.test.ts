import { expect, it } from 'vitest';
import { openFileLimit, openFileLimitIn, openFilesWarning } from '../../../src/cli/open-files.ts';

it('the warning compares the limit of open files with --max-connections, and names both (issue 11, point 9)', () => {
  expect(openFilesWarning(9_215, 8_192)).toContain('9215 files open, and --max-connections 8192 needs 9216');
  expect(openFilesWarning(9_216, 8_192)).toBeUndefined();
  expect(openFilesWarning(undefined, 8_192)).toBeUndefined();
});

it('the limit is read in the format of Linux', () => {
  const line = 'Max open files            1024                 524288               files     \n';
  expect(openFileLimitIn(`Limit  Soft Limit  Hard Limit  Units\n${line}`)).toBe(1_024);
  expect(openFileLimitIn(line.replace('1024', 'unlimited'))).toBeUndefined();
});

it.runIf(process.platform === 'linux')('the limit of this process is found', async () => {
  const limit = await openFileLimit();
  expect(limit === undefined || limit > 0).toBe(true);
});
