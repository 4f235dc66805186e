/**
 * Runs before every test file: lets `toEqual` compare bytes as bytes. It would go through them one by one, which takes a
 * second for a mebibyte.
 */
import { expect } from 'vitest';

// Files share processes, and a comparison asks every function that was ever added.
const ADDED = Symbol.for('cairn: bytes are compared as bytes');

if (!Reflect.has(globalThis, ADDED)) {
  expect.addEqualityTesters([equalBytes]);
  Reflect.set(globalThis, ADDED, true);
}

/** @returns undefined for what is no bytes, or bytes of two types: that is for others to compare */
function equalBytes(one: unknown, other: unknown): boolean | undefined {
  if (!(one instanceof Uint8Array && other instanceof Uint8Array)) return undefined;
  return one.constructor === other.constructor ? Buffer.compare(one, other) === 0 : undefined;
}
