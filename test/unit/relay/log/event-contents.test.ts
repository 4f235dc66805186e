import { rmSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventContents } from '../../../../src/relay/log/event-contents.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

const MIB = 1024 * 1024;

let temporary: TempDir;
let folder: string;
let contents: EventContents;

beforeEach(async () => {
  temporary = await tempDir();
  folder = temporary.path;
  contents = new EventContents({ folder, random: new SeededRandom(5) });
});

afterEach(async () => {
  contents.close();
  await temporary[Symbol.asyncDispose]();
});

function closing(value: EventContents) {
  return { value, [Symbol.dispose]: () => value.close() };
}

describe('contents of events on local disk (issue 11, point 10)', () => {
  it('are read back at any size, before and after they are in the file', () => {
    const random = new SeededRandom(6);
    const written = Array.from({ length: 500 }, (_, number) => {
      const size = random.pick([1, 900, 5_000, 262_143, 262_144, 262_145, 700_000]);
      const bytes = Buffer.alloc(size, number);
      return { bytes, position: contents.append(bytes) };
    });
    expect(contents.size).toBeGreaterThan(64 * MIB);
    for (const { bytes, position } of written) {
      expect(contents.read(position, bytes.length).equals(bytes)).toBe(true);
    }
  });

  it('leave no files behind, because their files have no name', async () => {
    contents.append(Buffer.alloc(MIB));
    expect(await readdir(folder)).toEqual([]);
  });

  it('free the space of a file that is no longer needed', () => {
    const positions = Array.from({ length: 130 }, () => {
      return contents.append(Buffer.alloc(MIB));
    });
    expect(contents.size).toBe(130 * MIB);
    for (const position of positions.slice(0, 63)) contents.drop(position, MIB);
    expect(contents.size).toBe(130 * MIB);
    contents.drop(positions[63] ?? -1, MIB);
    expect(contents.size).toBe(66 * MIB);
    expect(contents.live).toBe(66 * MIB);
  });

  it('go on in a folder that was deleted, together with the one above it', async () => {
    const inner = join(folder, 'cache', 'scratch');
    await mkdir(inner, { recursive: true });
    using kept = closing(new EventContents({ folder: inner, random: new SeededRandom(8) }));
    const written = Array.from({ length: 200 }, (_, number) => {
      if (number % 70 === 1) rmSync(join(folder, 'cache'), { recursive: true });
      const bytes = Buffer.alloc(MIB, number);
      return { bytes, position: kept.value.append(bytes) };
    });
    for (const { bytes, position } of written) {
      expect(kept.value.read(position, bytes.length).equals(bytes)).toBe(true);
    }
    for (const made of [inner, join(folder, 'cache')]) expect((await stat(made)).mode & 0o777).toBe(0o700);
  });

  it('name a folder that cannot be written, and go on when it can', async () => {
    const inTheWay = join(folder, 'in-the-way');
    await writeFile(inTheWay, 'a file\n');
    using nowhere = closing(new EventContents({ folder: inTheWay, random: new SeededRandom(7) }));
    expect(() => nowhere.value.append(Buffer.alloc(1))).toThrow(/no file for events can be created in/);
    await rm(inTheWay);
    const position = nowhere.value.append(Buffer.from('x'));
    expect(nowhere.value.read(position, 1).toString()).toBe('x');
  });
});
