import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GitOutput } from '../../../../src/http/git/git-output.ts';
import { Pace } from '../../../../src/lib/pace.ts';

const IDLE_MS = 120_000;
const KIB = 1024;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** An answer whose client takes 64 KiB in so many milliseconds. @param room bytes that may wait without anybody being told to */
function answerTo(milliseconds: number, room = 1): ServerResponse & { readonly received: Buffer[] } {
  const received: Buffer[] = [];
  const stream = new Writable({
    highWaterMark: room,
    write(chunk: Buffer, _encoding, done) {
      setTimeout(
        () => {
          received.push(chunk);
          done();
        },
        (milliseconds * chunk.length) / (64 * KIB),
      );
    },
  });
  return Object.assign(stream, { headersSent: true, received }) as unknown as ReturnType<typeof answerTo>;
}

function outputTo(response: ServerResponse): GitOutput {
  const pace = new Pace(
    { bytesPerSecond: 512, patience: IDLE_MS },
    () => response.destroy(),
    () => performance.now(),
  );
  return new GitOutput(response, 'application/x-git-upload-pack-result', pace);
}

const chunk = Buffer.alloc(256 * KIB, 'x');

it('a slow but steady client gets all of a large chunk (issue 11, point 9)', async () => {
  const response = answerTo(IDLE_MS - 1);
  const written = outputTo(response).write(chunk);
  await vi.advanceTimersByTimeAsync(4 * IDLE_MS);
  expect(await written).toBe(true);
  expect(Buffer.concat(response.received).equals(chunk)).toBe(true);
});

it('a client that reads nothing is disconnected (issue 11, point 9)', async () => {
  const response = answerTo(IDLE_MS + 1);
  const written = outputTo(response).write(chunk);
  await vi.advanceTimersByTimeAsync(IDLE_MS);
  expect(await written).toBe(false);
  expect(response.destroyed).toBe(true);
});

it('a chunk is taken once the system has all of it, although there was room for more before', async () => {
  const response = answerTo(1_000, 1024 * KIB);
  const output = outputTo(response);
  expect(await output.taken()).toBe(true);
  expect(await output.write(chunk)).toBe(true);
  let isTaken: boolean | undefined;
  const taken = output.taken().then((value) => {
    isTaken = value;
  });
  await vi.advanceTimersByTimeAsync(3_999);
  expect(isTaken).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  await taken;
  expect(isTaken).toBe(true);
  expect(Buffer.concat(response.received)).toHaveLength(256 * KIB);
});

it('a chunk is not taken by a client that goes', async () => {
  const response = answerTo(IDLE_MS + 1);
  const output = outputTo(response);
  const written = output.write(chunk.subarray(0, KIB));
  const taken = output.taken();
  response.destroy();
  expect(await taken).toBe(false);
  expect(await written).toBe(false);
  expect(await output.taken()).toBe(false);
});
