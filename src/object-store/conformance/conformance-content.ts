import { createHash } from 'node:crypto';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListedObject } from '../object-store.ts';
import {
  type ConformanceCase,
  check,
  listKeys,
  mustRefuse,
  mustWrite,
  patterned,
  read,
} from './conformance-check.ts';

const MEBIBYTE = 1024 * 1024;
/** Large enough for a store on disk to keep the file. */
const FINAL_BYTES = MEBIBYTE + 321;
const LARGE_BYTES = 72 * MEBIBYTE + 12_345;
const OPEN_AT_ONCE = 100;
const MORE_THAN_A_PAGE = 1050;

/** Bodies, ranges, keys, listings, aborts and bodies that are not read to the end. */
export const contentCases: readonly ConformanceCase[] = [
  {
    name: 'ranges are exact, and cut short at the end',
    delicate: true,
    async run(stores) {
      const key = `${stores.prefix}ranges`;
      const body = patterned(70_001, 'r');
      await mustWrite(stores, key, body);
      const ranges: readonly (readonly [number, number])[] = [
        [0, 1],
        [0, body.length],
        [1, 65_536],
        [70_000, 1],
        [69_990, 1000],
        [0, 1_000_000],
        [70_001, 5],
        [90_000, 5],
        [10, 0],
      ];
      await Promise.all(
        ranges.map(async ([offset, length]) => {
          const part = await read(stores.second, key, { range: { offset, length } });
          const expected = body.subarray(offset, offset + length);
          check(part.bytes.equals(expected), key, `${length} bytes from ${offset} are not those written`);
          check(part.size === body.length, key, `a read of a range gives the size ${part.size}`);
        }),
      );
    },
  },
  {
    name: 'an empty body is an object like any other',
    delicate: true,
    async run(stores) {
      const key = `${stores.prefix}empty`;
      await mustWrite(stores, key, Buffer.alloc(0));
      const { bytes, size } = await read(stores.second, key);
      check(bytes.length === 0 && size === 0, key, `an empty body came back with ${bytes.length} bytes`);
      await mustRefuse(stores, key, Buffer.from('x'), { mode: 'create' }, 'exists');
    },
  },
  {
    name: 'a range of a local file is a body',
    async run(stores) {
      const bytes = patterned(300_000, 'f');
      const path = join(stores.scratch, `range-${createHash('sha256').update(stores.prefix).digest('hex')}`);
      await writeFile(path, bytes);
      const parts: readonly (readonly [string, number, number])[] = [
        ['whole', 0, bytes.length],
        ['middle', 100_001, 99_999],
        ['nothing', 17, 0],
      ];
      await Promise.all(
        parts.map(async ([name, offset, length]) => {
          const key = `${stores.prefix}${name}`;
          await mustWrite(stores, key, { path, offset, length });
          const stored = await read(stores.second, key);
          check(
            stored.bytes.equals(bytes.subarray(offset, offset + length)),
            key,
            `${length} bytes of a file from ${offset} were stored as something else`,
          );
        }),
      );
    },
  },
  {
    name: 'a final file is a body, and its source may go once it is written',
    cost: 'large-body',
    async run(stores) {
      const key = `${stores.prefix}final`;
      const path = join(stores.scratch, `final-${createHash('sha256').update(stores.prefix).digest('hex')}`);
      const bytes = patterned(FINAL_BYTES, 'g');
      await writeFile(path, bytes);
      const body = { path, offset: 0, length: FINAL_BYTES, final: true } as const;
      const version = await mustWrite(stores, key, body);
      await mustRefuse(stores, key, body, { mode: 'create' }, 'exists');
      await mustRefuse(stores, key, Buffer.from('other'), { mode: 'create' }, 'exists');
      await rm(path);
      const stored = await read(stores.second, key);
      check(stored.bytes.equals(bytes), key, 'a final file was stored as something else');
      check(stored.version === version, key, 'GET gives another version than the write of a final file did');
      const head = await stores.second.head(key);
      check(head.found && head.size === FINAL_BYTES, key, 'HEAD gives another size than the final file had');
      const part = await read(stores.second, key, { range: { offset: FINAL_BYTES - 7, length: 9 } });
      check(part.bytes.equals(bytes.subarray(-7)), key, 'the end of a final file came back changed');
      const listed: ListedObject[] = [];
      for await (const object of stores.second.list(stores.prefix)) listed.push(object);
      check(
        listed.length === 1 && listed[0]?.key === key && listed[0].size === FINAL_BYTES,
        key,
        'a final file is not listed once with its size',
      );
      await stores.first.delete(key);
      check(!(await stores.second.head(key)).found, key, 'a final file is there after it was deleted');
      await mustWrite(stores, key, Buffer.from('short'));
      check((await read(stores.second, key)).bytes.toString() === 'short', key, 'the deleted file is back');
    },
  },
  {
    name: 'a body above 64 MiB keeps its condition',
    cost: 'large-body',
    async run(stores) {
      const key = `${stores.prefix}large`;
      const path = join(stores.scratch, 'large');
      const digest = await writeLargeFile(path, LARGE_BYTES);
      const body = { path, offset: 0, length: LARGE_BYTES };
      const version = await mustWrite(stores, key, body);
      await mustRefuse(stores, key, body, { mode: 'create' }, 'exists');
      const result = await stores.second.get(key);
      check(result.found, key, 'a large body is not there after it was written');
      check(result.version === version, key, 'GET gives another version than the large write did');
      const hash = createHash('sha256');
      for await (const chunk of result.body as AsyncIterable<Buffer>) hash.update(chunk);
      check(hash.digest('hex') === digest, key, 'a large body came back changed');
      const tail = await read(stores.first, key, { range: { offset: LARGE_BYTES - 5, length: 5 } });
      check(tail.bytes.length === 5, key, 'the end of a large body cannot be read by itself');
      await mustWrite(stores, key, body, { mode: 'replace', version });
      const stale = { mode: 'replace', version: 'd41d8cd98f00b204e9800998ecf8427e' } as const;
      await mustRefuse(stores, key, body, stale, 'changed');
    },
  },
  {
    name: 'one key may be the beginning of another',
    delicate: true,
    async run(stores) {
      const keys = ['a', 'a/b', 'a/b/c'].map((name) => stores.prefix + name);
      await Promise.all(keys.map((key) => mustWrite(stores, key, Buffer.from(key))));
      for (const key of keys) {
        check((await read(stores.second, key)).bytes.toString() === key, key, 'it holds another key’s body');
      }
      await stores.first.delete(`${stores.prefix}a/b`);
      check((await stores.second.head(`${stores.prefix}a`)).found, `${stores.prefix}a`, 'deleted with a/b');
      check(
        (await stores.second.head(`${stores.prefix}a/b/c`)).found,
        `${stores.prefix}a/b/c`,
        'deleted with a/b',
      );
    },
  },
  {
    name: 'odd keys are kept apart and come back as they were',
    delicate: true,
    async run(stores) {
      const keys = oddNames.map((name) => stores.prefix + name);
      await Promise.all(keys.map((key) => mustWrite(stores, key, Buffer.from(key))));
      await Promise.all(
        keys.map(async (key) => {
          const { bytes } = await read(stores.second, key);
          check(bytes.toString() === key, key, `it holds the body of ${bytes.toString()}`);
        }),
      );
      const listed = await listKeys(stores.first, stores.prefix);
      check(
        same(listed, [...keys].sort()),
        stores.prefix,
        `odd keys are listed as ${JSON.stringify(listed)}`,
      );
    },
  },
  {
    name: 'listing is complete, in byte order, and starts after a key',
    async run(stores) {
      const names = ['a', 'a-b', 'a/b', 'a/b/c', 'a0', 'aB', 'b', 'b!/x', 'b/x', 'b0/x', 'd/e/f'];
      const keys = names.map((name) => stores.prefix + name);
      await Promise.all(keys.map((key) => mustWrite(stores, key, Buffer.from('12345'))));
      const expected = [...keys].sort();
      const all = await listKeys(stores.second, stores.prefix);
      check(same(all, expected), stores.prefix, `listed ${JSON.stringify(all)}`);
      const starts = [...expected, `${stores.prefix}a/`, `${stores.prefix}az`, `${stores.prefix}~`];
      await Promise.all(
        starts.map(async (start) => {
          const rest = await listKeys(stores.first, stores.prefix, start);
          const right = expected.filter((key) => key > start);
          check(same(rest, right), start, `listed after it: ${JSON.stringify(rest)}`);
        }),
      );
      for (const part of ['a', 'a/', 'b', 'b0', 'c']) {
        const some = await listKeys(stores.first, stores.prefix + part);
        const right = expected.filter((key) => key.startsWith(stores.prefix + part));
        check(same(some, right), stores.prefix + part, `listed below it: ${JSON.stringify(some)}`);
      }
      for await (const { key, size } of stores.first.list(stores.prefix)) {
        check(size === 5, key, `listed with ${size} bytes instead of 5`);
      }
    },
  },
  {
    name: 'a write is listed at once, and a deleted key no longer',
    async run(stores) {
      const key = `${stores.prefix}listed`;
      await mustWrite(stores, key, Buffer.from('x'));
      check(
        same(await listKeys(stores.second, stores.prefix), [key]),
        key,
        'not listed after it was written',
      );
      await stores.first.delete(key);
      check(same(await listKeys(stores.second, stores.prefix), []), key, 'listed after it was deleted');
    },
  },
  {
    name: 'a listing goes on past a thousand keys',
    cost: 'many-keys',
    async run(stores) {
      const keys = Array.from(
        { length: MORE_THAN_A_PAGE },
        (_, n) => `${stores.prefix}${String(n).padStart(5, '0')}`,
      );
      for (let start = 0; start < keys.length; start += 50) {
        await Promise.all(
          keys.slice(start, start + 50).map((key) => mustWrite(stores, key, Buffer.from('x'))),
        );
      }
      const listed = await listKeys(stores.second, stores.prefix);
      check(same(listed, keys), stores.prefix, `${listed.length} of ${keys.length} keys were listed`);
      const rest = await listKeys(stores.second, stores.prefix, keys[20]);
      check(
        rest.length === keys.length - 21,
        stores.prefix,
        `${rest.length} keys were listed after the 21st`,
      );
    },
  },
  {
    name: 'an aborted request is not made',
    async run(stores) {
      const key = `${stores.prefix}aborted`;
      const reason = new Error('stopped by the caller');
      const signal = AbortSignal.abort(reason);
      const requests: readonly (readonly [string, () => Promise<unknown>])[] = [
        ['put', () => stores.first.put(key, Buffer.from('x'), { mode: 'create' }, { signal })],
        ['get', () => stores.first.get(key, { signal })],
        ['head', () => stores.first.head(key, { signal })],
        ['delete', () => stores.first.delete(key, { signal })],
        ['list', () => stores.first.list(stores.prefix, { signal })[Symbol.asyncIterator]().next()],
      ];
      for (const [operation, request] of requests) {
        const thrown = await request().then(
          () => undefined,
          (error: unknown) => error,
        );
        check(thrown === reason, key, `an aborted ${operation} does not reject with the reason of the abort`);
      }
      check(!(await stores.second.head(key)).found, key, 'an aborted put was carried out');
    },
  },
  {
    name: 'a body stops with an error when its request is aborted',
    delicate: true,
    async run(stores) {
      const key = `${stores.prefix}cut`;
      await mustWrite(stores, key, patterned(MEBIBYTE, 'c'));
      const abort = new AbortController();
      const reason = new Error('stopped by the caller');
      const result = await stores.first.get(key, { signal: abort.signal });
      check(result.found, key, 'not there after it was written');
      const ended = new Promise<unknown>((resolve) => {
        result.body.once('error', resolve);
        result.body.once('end', () => resolve('it ended as if it were complete'));
      });
      abort.abort(reason);
      result.body.resume();
      const ending = await ended;
      check(ending === reason, key, `after an abort: ${String(ending)}`);
    },
  },
  {
    name: 'bodies that are not read to their end leave nothing behind',
    cost: 'early-end',
    async run(stores) {
      const key = `${stores.prefix}unread`;
      const body = patterned(4 * MEBIBYTE, 'u');
      await mustWrite(stores, key, body);
      for (let n = 0; n < OPEN_AT_ONCE; n++) {
        const result = await stores.first.get(key);
        check(result.found, key, 'not there after it was written');
        if (n % 2 === 0) await readOneChunk(result.body as AsyncIterable<Buffer>);
        result.body.destroy();
      }
      const { bytes } = await read(stores.first, key);
      check(bytes.equals(body), key, 'a read after many unfinished ones gives something else');
    },
  },
];

const oddNames = [
  'UPPER',
  'upper',
  'sp ace',
  '%41',
  'A',
  '...',
  '.hidden',
  'a+b',
  'a&b=c?d#e',
  '@',
  '=',
  '+',
  'quote"\'`<>\\',
  '(*)|;:,^~{}[]!$',
  `${'n'.repeat(79)}/x`,
  `${'n'.repeat(80)}`,
  `${'n'.repeat(80)}/x`,
  `${'n'.repeat(80)}..`,
  `${'n'.repeat(80)}../y`,
  `${'n'.repeat(80)}-`,
  'L'.repeat(300),
];

async function readOneChunk(body: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of body) {
    if (chunk.length > 0) return;
  }
}

/** Writes a file of `length` bytes in chunks. @returns the SHA-256 in hex */
async function writeLargeFile(path: string, length: number): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(path, 'w');
  try {
    for (let written = 0; written < length; written += MEBIBYTE) {
      const piece = patterned(Math.min(MEBIBYTE, length - written), String(written));
      hash.update(piece);
      await handle.write(piece);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

function same(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}
