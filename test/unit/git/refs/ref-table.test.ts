import { describe, expect, test } from 'vitest';
import { LazySegment } from '../../../../src/git/refs/lazy-segments.ts';
import { encodePackedRefs } from '../../../../src/git/refs/packed-refs.ts';
import { sortByBytes } from '../../../../src/git/refs/ref-name.ts';
import { maxSegmentBytes, type RefChange, RefSegment } from '../../../../src/git/refs/ref-segment.ts';
import { maxOverlay, RefTable, tableOf } from '../../../../src/git/refs/ref-table.ts';
import { compareBytes } from '../../../../src/lib/byte-order.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const random = new SeededRandom(20261121);

function anOid(): string {
  return random.hex(20);
}

/** Names of many shapes, with neighbours that share beginnings and some beyond the BMP, where orders part. */
function aName(range: number): string {
  const folder = random.pick([
    'heads',
    'tags',
    'heads/a',
    'nostr',
    'pull/7',
    'heads/\u{1f600}',
    'heads/\ue000',
  ]);
  return `refs/${folder}/${random.pick(['x', 'branch-', 'v1.', 'long'.repeat(20)])}${random.below(range)}`;
}

/** The table as it would be stored and loaded again. */
function reloaded(table: RefTable): RefTable {
  const segments = table.segments.map(({ summary, content }) => {
    const parsed = RefSegment.parse(Buffer.from(content.bytes), table.format);
    if (typeof parsed === 'string') throw new Error(parsed);
    expect(parsed.summary).toEqual(summary);
    return new LazySegment(summary, parsed);
  });
  return new RefTable(table.format, { segments, overlay: table.overlay, size: table.size });
}

function expectSame(table: RefTable, refs: Map<string, string>, peeled: Map<string, string>): void {
  const names = sortByBytes(refs.keys());
  expect([...table.refs.keys()]).toEqual(names);
  expect([...table.refs]).toEqual(names.map((name) => [name, refs.get(name)]));
  expect(table.size).toBe(refs.size);
  expect(table.refs.size).toBe(refs.size);
  expect([...table.peeled]).toEqual(sortByBytes(peeled.keys()).map((name) => [name, peeled.get(name)]));
  expect(table.peeled.size).toBe(peeled.size);
  for (const prefix of [
    '',
    'refs/',
    'refs/heads/',
    'refs/tags/v1.1',
    'refs/heads/\u{1f600}',
    'refs/z',
    'HEAD',
  ]) {
    const wanted = names.filter((name) => name.startsWith(prefix));
    expect([...table.startingWith(prefix)].map(({ name }) => name)).toEqual(wanted);
    expect(table.countStartingWith(prefix)).toBe(wanted.length);
  }
}

function expectSound(table: RefTable): void {
  expect(table.overlay.length).toBeLessThanOrEqual(maxOverlay);
  const { segments } = table;
  for (const [at, { summary }] of segments.entries()) {
    expect(summary.size).toBeLessThanOrEqual(maxSegmentBytes);
    expect(compareBytes(summary.first, summary.last)).toBeLessThanOrEqual(0);
    const before = segments[at - 1];
    if (before !== undefined) expect(compareBytes(before.summary.last, summary.first)).toBeLessThan(0);
  }
}

describe('a table of refs', () => {
  test('equals a map after thousands of changes, with segments split, joined and emptied', () => {
    const refs = new Map<string, string>();
    const peeled = new Map<string, string>();
    let table = RefTable.from('sha1', refs, peeled);
    let most = 0;
    for (let step = 0; step < 1_200; step++) {
      // It grows, is thinned out, and grows again.
      const growing = step < 400 || step > 800;
      const changes: RefChange[] = [];
      const some = growing ? [] : [...refs.keys()].slice(0, 400);
      for (let count = step % 50 === 0 ? 600 : random.below(15); count >= 0; count--) {
        const name = some.length > 0 && random.fraction() < 0.5 ? random.pick(some) : aName(8_000);
        const gone = random.fraction() < (growing ? 0.1 : 0.95);
        const change = gone
          ? { name, oid: undefined }
          : { name, oid: anOid(), peeled: random.fraction() < 0.3 ? anOid() : undefined };
        changes.push(change);
        peeled.delete(name);
        if (change.oid === undefined) refs.delete(name);
        else {
          refs.set(name, change.oid);
          if (change.peeled !== undefined) peeled.set(name, change.peeled);
        }
      }
      const before = table;
      table = table.with(changes);
      if (step % 10 === 0) {
        const differing = new Set(before.differencesTo(table));
        const changed = changes.filter(({ name }) => before.get(name) !== table.get(name));
        expect(differing).toEqual(new Set(changed.map(({ name }) => name)));
      }
      expectSound(table);
      expect(table.get(changes[0]?.name ?? '')).toBe(refs.get(changes[0]?.name ?? ''));
      most = Math.max(most, table.segments.length);
      if (step % 300 === 299) {
        expectSame(table, refs, peeled);
        expectSame(reloaded(table), refs, peeled);
      }
    }
    expect(most).toBeGreaterThan(3);
    const emptied = table.with([...refs.keys()].map((name) => ({ name, oid: undefined })));
    expectSame(emptied, new Map(), new Map());
    expect(emptied.segments).toEqual([]);
  });

  test('finds refs by the object they point at, also through a tag', () => {
    const refs = new Map(Array.from({ length: 6_000 }, () => [aName(100_000), anOid()] as const));
    const peeled = new Map(
      [...refs.keys()].filter(() => random.fraction() < 0.2).map((name) => [name, anOid()] as const),
    );
    const [moved = '', gone = '', twin = ''] = [...refs.keys()];
    const shared = refs.get(twin) ?? '';
    const table = RefTable.from('sha1', refs, peeled).with([
      { name: moved, oid: shared },
      { name: gone, oid: undefined },
    ]);
    const names = (oid = '') => [...table.pointingAt(oid)].map(({ name }) => name).sort();
    expect(names(refs.get(moved))).toEqual([]);
    expect(names(refs.get(gone))).toEqual([]);
    expect(names(shared)).toEqual([moved, twin].sort());
    for (const [name, oid] of [...peeled].slice(5, 500)) expect(names(oid)).toEqual([name]);
    for (const [name, oid] of [...refs].slice(5, 500)) expect(names(oid)).toEqual([name]);
    expect(names('f'.repeat(40))).toEqual([]);
  });

  test('shares all untouched segments with the table that it was made from', () => {
    const refs = new Map(Array.from({ length: 30_000 }, (_, at) => [`refs/heads/${at}`, anOid()] as const));
    const table = RefTable.from('sha1', refs, new Map());
    const one = table.with([{ name: 'refs/heads/17', oid: anOid() }]);
    expect(one.segments).toBe(table.segments);
    expect(one.overlay).toHaveLength(1);
    const back = one.with([{ name: 'refs/heads/17', oid: refs.get('refs/heads/17') }]);
    expect(back.overlay).toEqual([]);
    const together = Array.from({ length: 300 }, (_, at) => ({ name: `refs/heads/1000${at}`, oid: anOid() }));
    const folded = one.with(together);
    const kept = folded.segments.filter((lazy) => table.segments.includes(lazy));
    expect(folded.segments.length - kept.length).toBeLessThanOrEqual(2);
    expect(kept.length).toBeGreaterThanOrEqual(table.segments.length - 1);
    expect(one.get('refs/heads/10005')).toBe(refs.get('refs/heads/10005'));
  });

  test('is the same, with the same segments, for any order of the same changes', () => {
    const changes = Array.from({ length: 900 }, () => ({ name: aName(1e6), oid: anOid() }));
    const empty = RefTable.from('sha1', new Map(), new Map());
    const [one, other] = [empty.with(changes), empty.with(changes.toReversed())];
    expect(one.segments.map(({ summary }) => summary)).toEqual(other.segments.map(({ summary }) => summary));
    expect(one.overlay).toEqual(other.overlay);
  });

  test('refuses invalid refs', () => {
    const table = RefTable.from('sha1', new Map(), new Map());
    const invalid = expect.objectContaining({ kind: 'invalid' });
    expect(() => table.with([{ name: 'refs/heads/a b', oid: anOid() }])).toThrow(invalid);
    expect(() => table.with([{ name: 'refs/heads/a', oid: 'abc' }])).toThrow(invalid);
    expect(() => table.with([{ name: 'refs/tags/a', oid: anOid(), peeled: anOid().toUpperCase() }])).toThrow(
      invalid,
    );
    expect(() => RefTable.from('sha256', new Map([['refs/heads/a', anOid()]]), new Map())).toThrow(invalid);
  });

  test('reports an error if a segment is needed that has not been loaded', async () => {
    const refs = new Map(Array.from({ length: 20_000 }, (_, at) => [`refs/heads/${at}`, anOid()] as const));
    const whole = RefTable.from('sha1', refs, new Map()).with([{ name: 'refs/heads/00', oid: anOid() }]);
    const asked: string[] = [];
    const segments = whole.segments.map(({ summary }) => new LazySegment(summary));
    const table = new RefTable(
      'sha1',
      { ...whole, segments, overlay: whole.overlay, size: whole.size },
      async (missing) => {
        for (const lazy of missing) {
          asked.push(lazy.summary.first);
          lazy.fill(whole.segments[segments.indexOf(lazy)]?.content as RefSegment);
        }
      },
    );
    expect(table.refs.size).toBe(20_001);
    expect(table.get('refs/heads/00')).toBeDefined();
    expect(table.get('refs/zzz/behind-all')).toBeUndefined();
    expect(() => table.get('refs/heads/7')).toThrow('before they were loaded');
    await table.ready({ names: [], prefixes: ['refs/tags/', 'HEAD', 'refs/zzz/'] });
    expect(asked).toEqual([]);
    await table.ready({ names: ['refs/heads/7'], prefixes: ['refs/heads/77'] });
    expect(asked).toHaveLength(1);
    expect(table.get('refs/heads/7')).toBe(refs.get('refs/heads/7'));
    expect([...table.startingWith('refs/heads/777')]).toHaveLength(11);
    expect(() => [...table.startingWith('refs/heads/1')]).toThrow('before they were loaded');
    await table.ready();
    expect(asked).toHaveLength(segments.length);
    expect([...table.refs]).toEqual([...whole.refs]);
  });

  test('is found from its view of all refs, and from no other map', () => {
    const table = RefTable.from('sha1', new Map([['refs/heads/a', anOid()]]), new Map());
    expect(tableOf(table.refs)).toBe(table);
    expect(tableOf(table.peeled)).toBeUndefined();
    expect(tableOf(new Map())).toBeUndefined();
  });
});

describe('a segment', () => {
  const oid = 'a'.repeat(40);
  const good = `${oid} refs/heads/a\n${oid} refs/tags/b\n^${'b'.repeat(40)}\n`;

  test('has the lines of packed-refs', () => {
    const segment = RefSegment.parse(Buffer.from(good), 'sha1');
    if (typeof segment === 'string') throw new Error(segment);
    const refs = [...segment.entries()].map(({ name, oid: value }) => [name, value] as const);
    const packed = encodePackedRefs(refs, new Map([['refs/tags/b', 'b'.repeat(40)]])).toString();
    expect(packed.slice(packed.indexOf('\n') + 1)).toBe(good);
    expect(segment.peels).toBe(1);
  });

  test.each([
    ['no end of the last line', good.slice(0, -1)],
    ['a line that is too short', `${oid}\n`],
    ['a name that is none', `${oid} refs/heads/a..b\n`],
    ['no refs at all', 'hello\n'],
    ['an empty line', `\n${good}`],
    ['an object id of the other format', good.replaceAll(oid, 'a'.repeat(64))],
    ['an object id in upper case', good.replaceAll('a'.repeat(40), 'A'.repeat(40))],
    ['names out of order', `${oid} refs/heads/b\n${oid} refs/heads/a\n`],
    ['a name twice', `${oid} refs/heads/a\n${oid} refs/heads/a\n`],
    ['names in UTF-16 order', `${oid} refs/heads/\u{1f600}\n${oid} refs/heads/\ue000\n`],
    ['a peeled value before any ref', `^${oid}\n${good}`],
    ['two peeled values', `${good}^${oid}\n`],
    ['a short peeled value', `${oid} refs/tags/b\n^bbb\n`],
    ['a peeled value that is none', `${oid} refs/tags/b\n^${'x'.repeat(40)}\n`],
    ['a carriage return', good.replaceAll('\n', '\r\n')],
  ])('is refused for %s', (_, text) => {
    expect(RefSegment.parse(Buffer.from(text), 'sha1')).toEqual(expect.any(String));
  });

  test('is refused if it is not UTF-8', () => {
    expect(RefSegment.parse(Buffer.from([...Buffer.from(`${oid} refs/heads/`), 0xff, 0x0a]), 'sha1')).toBe(
      'it is not UTF-8',
    );
  });
});
