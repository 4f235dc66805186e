import { describe, expect, it } from 'vitest';
import { CairnError } from '../../../../src/lib/errors.ts';
import { headMemory, headShare, readHead } from '../../../../src/transfer/push/head.ts';
import { RequestBody } from '../../../../src/transfer/request-body.ts';
import { absentId, pushHead } from '../../../helpers/raw-git.ts';

const limits = { commands: 400, bytes: 2 ** 26, shallow: 10, pushOptions: 10 };

describe('the heads of many pushes (issue 11, point 11)', () => {
  /** A head of 12 MiB: few refs, with very long names. */
  const head = pushHead(
    Array.from({ length: 200 }, (_, at) => ({
      name: `refs/heads/${at}${'x'.repeat(60_000)}`,
      to: absentId(),
    })),
  );
  async function* pieces() {
    for (let at = 0; at < head.length; at += 65_536) yield head.subarray(at, at + 65_536);
  }

  it('share 128 MiB of memory, and release it', async () => {
    const memory = headMemory();
    const whole = memory.free;
    const shares = Array.from({ length: 20 }, () => headShare(memory));
    const taken: string[] = [];
    for (const share of shares) {
      const reading = readHead(new RequestBody(pieces()), { format: 'sha1', limits }, share);
      taken.push(
        await reading.then(
          ({ commands }) => `${commands.length} refs`,
          (error: unknown) => (error instanceof CairnError ? error.kind : String(error)),
        ),
      );
    }
    const most = Math.floor(whole / (head.length - 256 * 1024));
    expect(taken).toEqual([...Array(most).fill('200 refs'), ...Array(20 - most).fill('busy')]);
    for (const share of shares) share.forget();
    expect(memory.free).toBe(whole);
  });
});
