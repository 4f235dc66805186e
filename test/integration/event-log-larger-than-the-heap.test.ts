import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { tempDir } from '../helpers/temp-dir.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const EVENTS = 50_000;
const CONTENT_BYTES = 2_000;
/** Megabytes; all events have 120. */
const HEAP = 64;

interface Report {
  readonly size: number;
  readonly index: number;
  readonly grown: number;
  readonly found: boolean;
  readonly newest: readonly number[];
}

async function run(mode: 'fill' | 'open', folder: string): Promise<Report> {
  const { stdout } = await execa(process.execPath, [
    `--max-old-space-size=${HEAP}`,
    '--expose-gc',
    join(ROOT, 'test', 'helpers', 'event-memory.mjs'),
    join(ROOT, 'build', 'modules'),
    folder,
    mode,
    String(EVENTS),
    String(CONTENT_BYTES),
  ]);
  return JSON.parse(stdout) as Report;
}

it('a log larger than the heap is written and loaded again, and an event needs few bytes of heap (issue 11, point 10)', async () => {
  await using folder = await tempDir();
  const end = 1_700_000_000;
  for (const mode of ['fill', 'open'] as const) {
    const { size, index, grown, found, newest } = await run(mode, folder.path);
    expect({ mode, size, found, newest }).toEqual({
      mode,
      size: EVENTS,
      found: true,
      newest: [end - 1, end - 2, end - 3],
    });
    // 512 MiB for a million of them, of which the rest of the server takes some 150.
    expect(index / EVENTS).toBeLessThan(300);
    // Whatever else is kept: 8 MiB of events used last, and what else an open log has.
    expect(grown - 40 * 1024 * 1024).toBeLessThan(300 * EVENTS);
  }
});
