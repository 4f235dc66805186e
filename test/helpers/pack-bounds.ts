import type { PackBounds } from '../../src/repository/intake/bounds/pack-bounds.ts';
import { HeightMemory } from '../../src/repository/intake/heights/height-memory.ts';

/** Bounds of packs for tests of their intake: objects of a MiB, all the time there is. */
export const PACK_BOUNDS: PackBounds = {
  packBytes: 0,
  objectBytes: 2 ** 20,
  setting: '--max-object-size',
  heldBytes: 2 ** 20,
  expansion: { least: Number.POSITIVE_INFINITY, perByte: 0 },
  foresight: { entries: 0, bytes: 0 },
  linkingBytes: 2 ** 25,
  lookAfter: { least: 600_000, perMiB: 0 },
  patience: { least: 600_000, perMiB: 0 },
  niceness: 0,
  plainFrom: 1_000,
  heights: new HeightMemory(100),
};
