import type * as fs from 'node:fs';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EventContents } from '../../src/relay/log/event-contents.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const fault = vi.hoisted((): { of?: 'writeSync' | 'unlinkSync' } => ({}));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const failing = <T>(name: 'writeSync' | 'unlinkSync', call: () => T): T => {
    if (fault.of === name) throw Object.assign(new Error(`ENOSPC: ${name}`), { code: 'ENOSPC' });
    return call();
  };
  return {
    ...real,
    writeSync: (descriptor: number, bytes: Buffer, from: number, length: number, at: number) =>
      failing('writeSync', () => real.writeSync(descriptor, bytes, from, length, at)),
    unlinkSync: (path: string) => failing('unlinkSync', () => real.unlinkSync(path)),
  };
});

const MIB = 2 ** 20;
let folder: TempDir;
let contents: EventContents;

beforeEach(async () => {
  folder = await tempDir();
  contents = new EventContents({ folder: folder.path, random: new SeededRandom(1) });
});

afterEach(async () => {
  delete fault.of;
  contents.close();
  await folder[Symbol.asyncDispose]();
});

const openFiles = () => readdirSync('/proc/self/fd').length;

it.each(['writeSync', 'unlinkSync'] as const)(
  'a full disk is told wherever it is met, and nothing is lost by it (%s)',
  (of) => {
    const kept: [position: number, bytes: Buffer][] = [];
    const append = (size: number) => {
      const bytes = Buffer.alloc(size, kept.length + 1);
      kept.push([contents.append(bytes), bytes]);
    };
    // Behind the first MiB, so that what follows is in the buffer when the file is full.
    append(63 * MIB);
    append(1_000);
    const files = openFiles();
    fault.of = of;
    for (const size of [MIB, 2 * MIB, ...(of === 'writeSync' ? [300_000] : [])]) {
      const bytes = Buffer.alloc(size, 9);
      expect(() => contents.append(bytes)).toThrow(expect.objectContaining({ kind: 'unavailable' }));
    }
    expect(openFiles()).toBe(files);
    delete fault.of;
    append(2 * MIB);
    append(500);
    for (const [position, bytes] of kept) {
      expect(contents.read(position, bytes.length).equals(bytes)).toBe(true);
    }
  },
);
