import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { localProblem } from '../../../src/lib/system-error.ts';

it('a system error becomes one line, and other errors stay unchanged', async () => {
  const real = await readFile('/nonexistent/file').catch((error: unknown) => error);
  expect(localProblem(real)).toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/^this machine does not let it be done: ENOENT: .*'\/nonexistent\/file'$/),
  });
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    errno: -28,
    syscall: 'write',
  });
  expect(localProblem(full)?.message).toMatch(/^no disk space is left on this machine .*ENOSPC: no space/);
  expect(localProblem(new TypeError('x is not a function'))).toBeUndefined();
  expect(localProblem(Object.assign(new Error('bad'), { code: 'ERR_INVALID_ARG_TYPE' }))).toBeUndefined();
});
