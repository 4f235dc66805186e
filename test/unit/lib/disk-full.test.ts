import { expect, it } from 'vitest';
import { DiskFullError, diskFault, isDiskFull } from '../../../src/lib/disk-full.ts';
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

it('a fault of the disk names what it was needed for to everybody, and where to the operator alone', () => {
  const path = '/srv/cairn/push-1';
  const fault = (code: string) =>
    diskFault(
      Object.assign(new Error(`${code}: ${path}`), { code }),
      'to take in this push',
      'the folder cannot be used',
    );
  expect(fault('ENOSPC')).toBeInstanceOf(DiskFullError);
  expect(fault('ENOSPC').publicText).toBe('the server has no disk space left to take in this push');
  expect(fault('EIO')).toMatchObject({ kind: 'unavailable', publicText: 'the folder cannot be used' });
  expect(fault('EIO').message).toContain(path);
});
