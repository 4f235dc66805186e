import { describe, expect, it } from 'vitest';
import { streamedBody } from '../../../src/web/streamed-body.ts';

const here = () => new AbortController().signal;
const bytes = (...numbers: number[]) => Uint8Array.from(numbers);

describe('a streamed body', () => {
  it('has the written bytes, and the writer waits for the reader', async () => {
    let written = 0;
    const body = await streamedBody(here(), async (output) => {
      for (; written < 20; written++) await output.write(bytes(written));
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBeLessThan(3);
    const read = Buffer.from(await new Response(body).arrayBuffer());
    expect([...read]).toEqual(Array.from({ length: 20 }, (_, at) => at));
  });

  it('may be empty', async () => {
    const body = await streamedBody(here(), () => Promise.resolve());
    expect((await new Response(body).arrayBuffer()).byteLength).toBe(0);
  });

  it('is an error if it fails before its first byte, and breaks off if it fails later', async () => {
    const wrong = () => Promise.reject(new Error('wrong'));
    await expect(streamedBody(here(), wrong)).rejects.toThrow('wrong');
    const body = await streamedBody(here(), async (output) => {
      await output.write(bytes(1));
      await wrong();
    });
    await expect(new Response(body).arrayBuffer()).rejects.toThrow('wrong');
  });

  it.each(['the reader cancels', 'the signal is aborted'])('ends if %s', async (how) => {
    const visit = new AbortController();
    let ended: boolean | undefined;
    const body = await streamedBody(visit.signal, async (output, signal) => {
      while (await output.write(bytes(1)));
      ended = signal.aborted;
    });
    if (how.includes('cancels')) await body.cancel();
    else visit.abort();
    await expect.poll(() => ended).toBe(true);
  });
});
