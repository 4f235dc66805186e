import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseCapabilities } from '../../../../src/git/index.ts';
import type { Output } from '../../../../src/transfer/output.ts';
import { PushResponse } from '../../../../src/transfer/push/response.ts';
import { bandsOf, packetsOf } from '../../../helpers/raw-git.ts';

class Collected implements Output {
  readonly chunks: Buffer[] = [];

  async write(chunk: Uint8Array): Promise<boolean> {
    this.chunks.push(Buffer.from(chunk));
    return true;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

function answerFor(capabilities: string): { output: Collected; answer: PushResponse } {
  const output = new Collected();
  return { output, answer: new PushResponse(output, parseCapabilities(capabilities)) };
}

const report = { unpack: 'ok', refs: [{ ref: 'refs/heads/a', status: 'ng', reason: 'no' }] } as const;

describe('the response to a push', () => {
  it('has progress on band 2 and the report on band 1, in this order', async () => {
    const { output, answer } = answerFor('report-status side-band-64k');
    answer.progress('Resolving deltas\n');
    await answer.report(report);
    await answer.close();
    const { data, progress, fatal } = bandsOf(output.bytes);
    expect(packetsOf(data)).toEqual(['unpack ok', 'ng refs/heads/a no', '(flush)']);
    expect(progress).toBe('Resolving deltas\n');
    expect(fatal).toBe('');
    expect(output.bytes.toString().endsWith('0000')).toBe(true);
  });

  it('is the plain report for a client without side-band', async () => {
    const { output, answer } = answerFor('report-status');
    answer.progress('nobody could tell this from the report');
    await answer.report(report);
    expect(packetsOf(output.bytes)).toEqual(['unpack ok', 'ng refs/heads/a no', '(flush)']);
  });

  it('has no progress if the client asked for quiet', async () => {
    const { output, answer } = answerFor('report-status side-band-64k quiet');
    answer.progress('Resolving deltas\n');
    await answer.report(report);
    expect(bandsOf(output.bytes).progress).toBe('');
  });

  it('ends with the reason on band 3, without a report, if the outcome is unknown', async () => {
    const { output, answer } = answerFor('report-status side-band-64k');
    await answer.fatal('nobody knows');
    const { data, fatal } = bandsOf(output.bytes);
    expect(data).toHaveLength(0);
    expect(fatal).toBe('nobody knows\n');
    const bare = answerFor('report-status');
    await bare.answer.fatal('nobody knows');
    expect(bare.output.bytes).toHaveLength(0);
  });

  it('does not fail if the client cannot be written to', async () => {
    const output = { write: () => Promise.reject(new Error('headers already sent')) };
    const answer = new PushResponse(output, parseCapabilities('report-status side-band-64k'));
    answer.progress('x');
    await answer.report(report);
    await answer.close();
  });

  describe('while the client waits', () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });

    afterEach(() => {
      vi.useRealTimers();
    });

    it('sends keep-alives until the end', async () => {
      const { output, answer } = answerFor('report-status side-band-64k');
      answer.startKeepAlive();
      answer.startKeepAlive();
      await vi.advanceTimersByTimeAsync(16_000);
      expect(output.bytes.toString('latin1')).toBe('0005\x01'.repeat(3));
      await answer.report(report);
      const length = output.bytes.length;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(output.bytes).toHaveLength(length);
      await answer.close();
      expect(vi.getTimerCount()).toBe(0);
    });

    it('sends nothing to a client without side-band', async () => {
      const { output, answer } = answerFor('report-status');
      answer.startKeepAlive();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(output.bytes).toHaveLength(0);
    });
  });
});
