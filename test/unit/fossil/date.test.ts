import { expect, it } from 'vitest';
import { parseCheckIn } from '../../../src/fossil/check-in.ts';
import { parseFossilDate } from '../../../src/fossil/date.ts';
import { parseProjectNote } from '../../../src/fossil/project-note.ts';
import { writeStructuralArtifact } from '../../../src/fossil/structural-artifact.ts';

// What `SELECT julianday(...)` of SQLite makes of them.
it.each([
  ['2026-01-02T03:04:05.678', '2026-01-02T03:04:05.678Z'],
  ['2026-01-02T03:04:05.0009', '2026-01-02T03:04:05.000Z'],
  ['2026-01-02T03:04:05.5', '2026-01-02T03:04:05.500Z'],
  ['2023-02-31T00:00:00', '2023-03-03T00:00:00.000Z'],
  ['2024-02-30T24:59:59', '2024-03-02T00:59:59.000Z'],
  ['0050-06-01T00:00:00', '0050-06-01T00:00:00.000Z'],
  ['9999-12-31T23:59:59.999', '9999-12-31T23:59:59.999Z'],
])('%s is a date', (text, iso) => {
  expect(new Date(parseFossilDate(text) ?? Number.NaN).toISOString()).toBe(iso);
});

it.each([
  '2023-13-01T00:00:00',
  '2023-00-01T00:00:00',
  '2023-01-00T00:00:00',
  '2023-01-32T00:00:00',
  '2023-01-01T25:00:00',
  '2023-01-01T00:60:00',
  '2023-01-01T00:00:60',
  '2023-01-01T00:00:00.',
  '2023-01-01T00:00:00Z',
  '2023-01-01',
  '+12023-01-01T00:00:00',
  '',
])('%j is none: a check-in has no time then, and a note is none', (date) => {
  expect(parseFossilDate(date)).toBeUndefined();
  const checkIn = parseCheckIn(writeStructuralArtifact(`C x\nD ${date}\nU someone\n`));
  expect(checkIn).toMatchObject({ comment: 'x', time: undefined });
  expect(parseProjectNote(writeStructuralArtifact(`D ${date}\nL x\nU someone\nW 0\n\n`))).toBeUndefined();
});
