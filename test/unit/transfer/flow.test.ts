import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const FLOW = fileURLToPath(new URL('../../../build/modules/transfer/flow.js', import.meta.url));

/** Waits for 2,000 pieces of 64 KiB, with a collection of the young generation now and then, and prints how many bytes of them are left. */
const PROGRAM = `
  const { Flow } = await import(process.argv[1]);
  const flow = new Flow(() => false, { monotonic: () => performance.now() });
  const piece = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return Buffer.allocUnsafeSlow(64 * 1024);
  };
  // What lives long is out of the young generation then, as in a server.
  gc();
  gc();
  const before = process.memoryUsage().arrayBuffers;
  for (let at = 0; at < 2_000; at++) {
    const waiting = flow.wait(piece(), (bytes) => bytes.length);
    if (at % 50 === 25) gc({ type: 'minor' });
    await waiting;
  }
  gc({ type: 'minor' });
  gc({ type: 'minor' });
  console.log(process.memoryUsage().arrayBuffers - before);
`;

test('pieces that were waited for are freed without a full collection', async () => {
  // Code that is not optimized allocates as it is written.
  const flags = ['--expose-gc', '--no-opt', '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', PROGRAM, FLOW]);
  expect(Number(stdout)).toBeLessThan(4 * 1024 * 1024);
});
