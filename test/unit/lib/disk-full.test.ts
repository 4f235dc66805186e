import { expect, it } from 'vitest';
import { DiskFullError, isDiskFull } from '../../../src/lib/disk-full.ts';
import { scratchError } from '../../../src/lib/scratch-files.ts';
import { diskError } from '../../../src/repository/cache/artifact-fill.ts';

it('a quota that is used up is a full disk, and nothing else is one', () => {
  for (const code of ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'EROFS', undefined]) {
    const error = Object.assign(new Error('no'), code === undefined ? {} : { code });
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    expect(isDiskFull(error), code).toBe(isFull);
    expect(scratchError(error) instanceof DiskFullError, code).toBe(isFull);
    expect(diskError(error) instanceof DiskFullError, code).toBe(isFull);
  }
  expect(isDiskFull('ENOSPC')).toBe(false);
});
