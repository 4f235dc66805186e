import { readdir } from 'node:fs/promises';
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

  it('name a folder that cannot be written', () => {
    const nowhere = new EventContents({ folder: `${folder}/nowhere`, random: new SeededRandom(7) });
    expect(() => nowhere.append(Buffer.alloc(1))).toThrow(/no file for events can be created in/);
  });
});
