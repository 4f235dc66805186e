import { describe, expect, it } from 'vitest';
import type { GitOutput } from '../../../../src/http/git/git-output.ts';
import { type GitRequest, tellingWhatBreaks } from '../../../../src/http/git/git-request.ts';
import { CairnError, publicTextOf } from '../../../../src/lib/errors.ts';

/** A request, and what its client and the log are told. @param begun whether the response can still tell of an error */
function exchange(begun: boolean) {
  const told: string[] = [];
  const logged: unknown[] = [];
  const gone = new AbortController();
  const brokenOff = (error: unknown) => logged.push(error);
  const request = { signal: gone.signal, brokenOff } as unknown as GitRequest;
  const tell = async (reason: string) => {
    if (begun) told.push(reason);
    return begun;
  };
  return { request, output: { tell } as unknown as GitOutput, told, logged, gone };
}

describe('an error in the middle of an answer (issue 11, point 19)', () => {
  const error = new CairnError('unavailable', 'no answer from bucket secret at 10.0.0.1');
  const breaks = async () => {
    throw error;
  };

  it('is shown with its public text, and logged in full', async () => {
    const { request, output, told, logged } = exchange(true);
    await tellingWhatBreaks(request, output, breaks);
    expect(told).toEqual([publicTextOf(error)]);
    expect(told.join()).not.toMatch(/secret|10\.0/);
    expect(logged).toEqual([error]);
  });

  it('is left to the status if the answer has not begun, or the client has left', async () => {
    const early = exchange(false);
    await expect(tellingWhatBreaks(early.request, early.output, breaks)).rejects.toBe(error);
    const late = exchange(true);
    late.gone.abort();
    await expect(tellingWhatBreaks(late.request, late.output, breaks)).rejects.toBe(error);
    expect([...early.told, ...late.told, ...early.logged, ...late.logged]).toEqual([]);
  });
});
