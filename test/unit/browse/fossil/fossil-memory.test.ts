import { expect, it } from 'vitest';
import { FossilMemory } from '../../../../src/browse/fossil/fossil-memory.ts';
import { nameOf } from '../../../../src/fossil/artifact-name.ts';

const names = Array.from({ length: 20_000 }, (_, at) => nameOf(Buffer.from(String(at)), 'sha1'));
const MEBIBYTE = 2 ** 20;

it('texts of check-ins take the memory that they are given, whichever of them are long', () => {
  // One text for all: the test takes little memory itself.
  const long = 'x'.repeat(200);
  const memory = new FossilMemory();
  const about = { comment: '', user: '', time: 0, parents: [], branch: long, tags: Array(20).fill(long) };
  for (const name of names) memory.rememberFacts('repository', { ...about, name });
  const kept = names.filter((name) => memory.factsOf('repository', name) !== undefined);
  expect(kept.length).toBeGreaterThan(100);
  expect(kept.length * 21 * long.length).toBeLessThan(48 * MEBIBYTE);
});

it('so do the names of files, former ones included', () => {
  const long = 'x'.repeat(1_000);
  const memory = new FossilMemory();
  const [artifact = nameOf(Buffer.of(), 'sha1')] = names;
  const files = new Map(
    Array.from({ length: 100 }, (_, at) => [`${at}`, { artifact, kind: 'file', oldName: long }] as const),
  );
  for (const name of names.slice(0, 2_000)) memory.rememberFiles('repository', name, files);
  const kept = names.filter((name) => memory.filesOf('repository', name) !== undefined);
  expect(kept.length).toBeGreaterThan(10);
  expect(kept.length * files.size * long.length).toBeLessThan(64 * MEBIBYTE);
});
