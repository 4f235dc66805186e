import { randomBytes } from 'node:crypto';
import { readdir, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../../src/lib/digest.ts';
import { CairnError } from '../../../../src/lib/errors.ts';
import { type RepeatableRequest, ResponseCache } from '../../../../src/transfer/fetch/response-cache.ts';
import type { Produce } from '../../../../src/transfer/fetch/response-recording.ts';
import { type Reader, reader, type Script, script } from '../../../helpers/scripted-answers.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

const KIB = 1024;
const BUDGET = 1024 * KIB;

let folder: TempDir;
let cache: ResponseCache;
let heard: string[];
let held: number;

beforeEach(async () => {
  folder = await tempDir('cairn-answers');
  heard = [];
  held = 0;
  cache = await opened(BUDGET);
});

afterEach(async () => {
  await cache.close();
  await folder[Symbol.asyncDispose]();
});

async function opened(budget: number): Promise<ResponseCache> {
  const made = new ResponseCache({
    folder: join(folder.path, 'answers'),
    budget,
    observer: {
      answered: (how) => heard.push(how),
      holds: (bytes) => {
        held = bytes;
      },
    },
  });
  await made.open();
  return made;
}

function question(about: Partial<RepeatableRequest> = {}): RepeatableRequest {
  return { repository: 'r', manifest: sha256('m'), request: sha256('q'), ...about };
}

/** Asks once, so that the next time is recorded. */
async function askFirst(about: RepeatableRequest = question()): Promise<void> {
  await cache.serve(about, reader(), new AbortController().signal, async (sink) => {
    await sink.write(Buffer.from('first'));
  });
  heard.length = 0;
}

/** Records an answer. */
async function record(bytes: Buffer, about: RepeatableRequest = question()): Promise<void> {
  await askFirst(about);
  const from = await cache.serve(about, reader(), new AbortController().signal, answering(bytes));
  expect(from).toBe('produced');
  heard.length = 0;
}

function answering(bytes: Buffer, piece = 10 * KIB): Produce {
  return async (sink) => {
    for (let at = 0; at < bytes.length; at += piece) await sink.write(bytes.subarray(at, at + piece));
  };
}

const never: Produce = async () => {
  throw new Error('nobody was to be asked');
};

interface Asking {
  readonly reader: Reader;
  readonly gone: AbortController;
  readonly ended: Promise<string>;
}

/** Asks, and says how it ended: where the answer came from, or the error. */
function ask(produce: Produce | Script, about: RepeatableRequest = question(), to = reader()): Asking {
  const gone = new AbortController();
  const from = 'produce' in produce ? produce.produce : produce;
  const ended = cache
    .serve(about, to, gone.signal, from)
    .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  return { reader: to, gone, ended };
}

function files(): Promise<string[]> {
  return readdir(join(folder.path, 'answers'));
}

/** Descriptors of this process that are open on recordings. */
async function openFiles(): Promise<string[]> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return links.filter((link) => link.startsWith(folder.path));
}

describe('a request', () => {
  it('that comes once is passed through, and writes nothing', async () => {
    const bytes = randomBytes(50 * KIB);
    const asked = ask(answering(bytes));
    expect(await asked.ended).toBe('produced');
    expect(asked.reader.bytes().equals(bytes)).toBe(true);
    expect(await files()).toEqual([]);
    expect(heard).toEqual(['passed']);
  });

  it('that comes again is recorded, and then answered from the recording', async () => {
    const bytes = randomBytes(200 * KIB);
    await askFirst();
    const second = ask(answering(bytes));
    expect(await second.ended).toBe('produced');
    expect(second.reader.bytes().equals(bytes)).toBe(true);
    for (let time = 0; time < 2; time++) {
      const again = ask(never);
      expect(await again.ended).toBe('cached');
      expect(again.reader.bytes().equals(bytes)).toBe(true);
    }
    expect(heard).toEqual(['recorded', 'cached', 'cached']);
    expect(await readFile(join(folder.path, 'answers', '0'))).toHaveLength(bytes.length);
    expect(await openFiles()).toEqual([]);
  });

  it('asked again is answered from the same memory, if the client tells what it has', async () => {
    const bytes = randomBytes(250 * KIB);
    await record(bytes);
    const copies: Buffer[] = [];
    const written: Uint8Array[] = [];
    const output = {
      write: async (chunk: Uint8Array) => written.push(chunk) > 0,
      taken: async () => {
        const last = written.at(-1) ?? Buffer.alloc(0);
        copies.push(Buffer.from(last));
        last.fill(0);
        return true;
      },
    };
    const by = await cache.serve(question(), output, new AbortController().signal, never);
    expect(by).toBe('cached');
    expect(Buffer.concat(copies).equals(bytes)).toBe(true);
    expect(written.length).toBeGreaterThan(1);
    expect(new Set(written.map(({ buffer }) => buffer)).size).toBe(1);
  });

  it('that differs in body, repository or manifest is another one', async () => {
    await record(Buffer.from('one'));
    for (const about of [{ request: sha256('other') }, { repository: 's' }, { manifest: sha256('n') }]) {
      const asked = ask(answering(Buffer.from('two')), question(about));
      expect(await asked.ended).toBe('produced');
      expect(asked.reader.bytes().toString()).toBe('two');
    }
  });

  it('is not recorded without a budget', async () => {
    cache = await opened(0);
    for (let time = 0; time < 3; time++)
      expect(await ask(answering(Buffer.from('a'))).ended).toBe('produced');
    expect(heard).toEqual(['passed', 'passed', 'passed']);
    expect(await files()).toEqual([]);
  });

  it('of a client that has left starts no production', async () => {
    const asked = cache.serve(question(), reader(), AbortSignal.abort(new Error('gone')), never);
    await expect(asked).rejects.toThrow('gone');
  });
});

describe('a cache that records first requests', () => {
  it('makes an answer once for concurrent and later requests', async () => {
    const first = new ResponseCache({
      folder: join(folder.path, 'first'),
      budget: BUDGET,
      recordsFirst: true,
    });
    await first.open();
    let made = 0;
    const producing: Produce = async (sink, signal) => {
      made++;
      await answering(Buffer.alloc(50 * KIB))(sink, signal);
    };
    const serve = () => first.serve(question(), reader(), new AbortController().signal, producing);
    expect(await Promise.all([serve(), serve()])).toEqual(['produced', 'followed']);
    expect(await serve()).toBe('cached');
    expect(made).toBe(1);
    // Nobody who wants the end alone waits for the beginning.
    const end = reader();
    await first.serve(question(), end, new AbortController().signal, never, 50 * KIB - 3);
    expect(end.received).toBe(3);
    // What is too long is not recorded again.
    const long = question({ request: sha256('long') });
    const tooLong = answering(Buffer.alloc(BUDGET / 2));
    for (let round = 0; round < 2; round++)
      expect(await first.serve(long, reader(), new AbortController().signal, tooLong)).toBe('produced');
    await first.close();
  });
});

describe('concurrent equal requests', () => {
  it('need at most two productions', async () => {
    const first = script();
    const second = script();
    const askings = [ask(first), ask(second), ...Array.from({ length: 30 }, () => ask(never))];
    expect([first.started, second.started]).toEqual([true, true]);
    for (const running of [first, second]) {
      await running.write('Hello, ');
      await running.write('world');
      running.end();
    }
    expect(await Promise.all(askings.map((asking) => asking.ended))).toEqual([
      'produced',
      'produced',
      ...Array(30).fill('followed'),
    ]);
    for (const asking of askings) expect(asking.reader.bytes().toString()).toBe('Hello, world');
    expect(heard).toEqual(['passed', 'recorded', ...Array(30).fill('followed')]);
  });

  it('are answered from the first byte on whenever they join, each at its own speed', async () => {
    await askFirst();
    const running = script();
    const bytes = randomBytes(240 * KIB);
    const piece = (n: number) => bytes.subarray(n * 40 * KIB, (n + 1) * 40 * KIB);
    // The one whose git it is reads nothing at all.
    const stuck = ask(running, question(), reader({ paused: true }));
    await running.write(piece(0));
    const slow = ask(never, question(), reader({ paused: true }));
    const quick = ask(never);
    for (let at = 1; at < 6; at++) {
      await running.write(piece(at));
      await quick.reader.has((at + 1) * 40 * KIB);
    }
    expect(slow.reader.received).toBeLessThanOrEqual(128 * KIB);
    const late = ask(never);
    await late.reader.has(bytes.length);
    running.end();
    expect(await quick.ended).toBe('followed');
    expect(await late.ended).toBe('followed');
    slow.reader.resume();
    expect(await slow.ended).toBe('followed');
    stuck.reader.resume();
    expect(await stuck.ended).toBe('produced');
    for (const { reader } of [stuck, slow, quick, late]) expect(reader.bytes().equals(bytes)).toBe(true);
    expect(await openFiles()).toEqual([]);
  });

  it('continue after the client that started git has left', async () => {
    await askFirst();
    const running = script();
    const starter = ask(running);
    await running.write('one ');
    const follower = ask(never);
    await follower.reader.has(4);
    starter.gone.abort(new Error('gone'));
    expect(await starter.ended).toBe('gone');
    expect(running.stopped).toBe(false);
    await running.write('two');
    running.end();
    expect(await follower.ended).toBe('followed');
    expect(follower.reader.bytes().toString()).toBe('one two');
    expect(await ask(never).ended).toBe('cached');
  });

  it('end their production when the last client has left, and leave nothing', async () => {
    await askFirst();
    const running = script();
    const starter = ask(running);
    const follower = ask(never);
    await running.write('one ');
    await follower.reader.has(4);
    starter.gone.abort(new Error('gone'));
    await starter.ended;
    follower.reader.leave();
    const next = script();
    expect(await running.write('more')).toBe(false);
    expect(await follower.ended).toBe('followed');
    expect(running.stopped).toBe(true);
    // Somebody who comes before the old producer has noticed starts anew.
    const another = ask(next);
    running.end();
    await next.write('again');
    next.end();
    expect(await another.ended).toBe('produced');
    expect(another.reader.bytes().toString()).toBe('again');
    await cache.close();
    expect(await files()).toHaveLength(1);
    expect(await openFiles()).toEqual([]);
  });

  it('can be aborted while they wait for bytes that are not produced yet', async () => {
    await askFirst();
    const running = script();
    const starter = ask(running);
    const follower = ask(never);
    follower.gone.abort(new Error('gone'));
    expect(await follower.ended).toBe('gone');
    await running.write('all');
    running.end();
    expect(await starter.ended).toBe('produced');
  });
});

describe('a failing production', () => {
  it('returns its error to all before its first byte, and is not recorded', async () => {
    await askFirst();
    const running = script();
    const askings = [ask(running), ask(never)];
    running.fail(new CairnError('busy', 'too many'));
    expect(await Promise.all(askings.map(({ ended }) => ended))).toEqual(['too many', 'too many']);
    for (const { reader } of askings) expect(reader.received).toBe(0);
    expect(await ask(answering(Buffer.from('now'))).ended).toBe('produced');
    expect(await ask(never).ended).toBe('cached');
  });

  it('breaks off every answer after its first byte', async () => {
    await askFirst();
    const running = script();
    const askings = [ask(running), ask(never), ask(never, question(), reader({ paused: true }))];
    await running.write('half');
    await askings[1]?.reader.has(4);
    running.fail(new CairnError('unavailable', 'git died'));
    askings[2]?.reader.resume();
    expect(await Promise.all(askings.map(({ ended }) => ended))).toEqual(Array(3).fill('git died'));
    await cache.close();
    expect(await files()).toEqual([]);
    expect(held).toBe(0);
    expect(await openFiles()).toEqual([]);
  });

  it('with an error in the answer itself sends it to all followers, and to nobody else', async () => {
    await askFirst();
    const running = script();
    const askings = [ask(running), ask(never)];
    await running.write('ERR not our ref');
    running.end('flawed');
    expect(await Promise.all(askings.map(({ ended }) => ended))).toEqual(['produced', 'followed']);
    for (const { reader } of askings) expect(reader.bytes().toString()).toBe('ERR not our ref');
    expect(await ask(answering(Buffer.from('fine'))).ended).toBe('produced');
  });

  it('that ends because the server stops returns an error to all waiting clients', async () => {
    await askFirst();
    const running = script();
    const asking = ask(running);
    await running.write('half');
    await asking.reader.has(4);
    const closing = cache.close();
    running.end();
    expect(await asking.ended).toBe('the server is stopping');
    await closing;
    expect(await files()).toEqual([]);
    expect(await ask(answering(Buffer.from('still'))).ended).toBe('produced');
  });
});

describe('the budget of recordings', () => {
  const about = (n: number) => question({ request: sha256(`q${n}`) });

  it('is kept by removing the least recently used', async () => {
    for (let n = 0; n < 4; n++) await record(randomBytes(240 * KIB), about(n));
    expect(await ask(never, about(0)).ended).toBe('cached');
    await record(randomBytes(240 * KIB), about(4));
    expect(await ask(never, about(0)).ended).toBe('cached');
    expect(await ask(answering(Buffer.from('again')), about(1)).ended).toBe('produced');
    await cache.relieve();
    expect(held).toBe(0);
    expect(await files()).toEqual([]);
  });

  it('excludes an answer larger than a quarter of it: its followers get it, and later requests start their own', async () => {
    await askFirst();
    const bytes = randomBytes(400 * KIB);
    const running = script();
    const askings = [ask(running), ask(never, question(), reader({ paused: true }))];
    await running.write(bytes.subarray(0, 300 * KIB));
    const next = ask(answering(Buffer.from('own')));
    expect(await next.ended).toBe('produced');
    await running.write(bytes.subarray(300 * KIB));
    askings[1]?.reader.resume();
    running.end();
    expect(await Promise.all(askings.map(({ ended }) => ended))).toEqual(['produced', 'followed']);
    for (const { reader } of askings) expect(reader.bytes().equals(bytes)).toBe(true);
    await cache.close();
    expect(await files()).toEqual([]);
    expect(held).toBe(0);
  });

  it('is never exceeded: the production waits for the slowest reader, and every reader gets everything', async () => {
    await askFirst();
    const bytes = randomBytes(2048 * KIB);
    const running = script();
    const quick = ask(running);
    const slow = ask(never, question(), reader({ paused: true }));
    let written = 0;
    const writing = (async () => {
      for (let at = 0; at < bytes.length; at += 64 * KIB) {
        await running.write(bytes.subarray(at, at + 64 * KIB));
        written = at + 64 * KIB;
      }
      running.end();
    })();
    // As much as fits, and one piece more.
    await quick.reader.has(1024 * KIB);
    expect(held).toBeLessThanOrEqual(BUDGET);
    expect(written).toBeLessThan(BUDGET);
    slow.reader.resume();
    await writing;
    expect(await Promise.all([quick.ended, slow.ended])).toEqual(['produced', 'followed']);
    for (const { reader } of [quick, slow]) expect(reader.bytes().equals(bytes)).toBe(true);
    // It is known as too long now.
    heard.length = 0;
    expect(await ask(answering(bytes)).ended).toBe('produced');
    expect(heard).toEqual(['passed']);
  });

  it('counts a removed recording until it has been sent', async () => {
    await record(randomBytes(200 * KIB));
    const slow = ask(never, question(), reader({ paused: true }));
    await slow.reader.has(1);
    await cache.relieve();
    expect(held).toBeGreaterThanOrEqual(200 * KIB);
    expect(await openFiles()).toHaveLength(1);
    slow.reader.resume();
    expect(await slow.ended).toBe('cached');
    await cache.relieve();
    expect(held).toBe(0);
    expect(await openFiles()).toEqual([]);
  });
});

describe('a new manifest', () => {
  const next = question({ manifest: sha256('next') });

  it('removes recordings of the previous one, and only those of its repository', async () => {
    const elsewhere = question({ repository: 'elsewhere' });
    await record(Buffer.from('old'));
    await record(Buffer.from('elsewhere'), elsewhere);
    await record(Buffer.from('new'), next);
    expect(await ask(never, next).ended).toBe('cached');
    expect(await ask(never, elsewhere).ended).toBe('cached');
    await expect.poll(files).toHaveLength(2);
  });

  it('lets running answers finish, and removes nothing for a late request about an old one', async () => {
    await record(randomBytes(200 * KIB));
    const slow = ask(never, question(), reader({ paused: true }));
    await slow.reader.has(1);
    await record(Buffer.from('new'), next);
    expect(await ask(answering(Buffer.from('late'))).ended).toBe('produced');
    expect(await ask(answering(Buffer.from('late'))).ended).toBe('produced');
    expect(heard.slice(-2)).toEqual(['passed', 'passed']);
    expect(await ask(never, next).ended).toBe('cached');
    slow.reader.resume();
    expect(await slow.ended).toBe('cached');
    expect(slow.reader.received).toBe(200 * KIB);
    await expect.poll(files).toHaveLength(1);
  });
});

describe('the folder of recordings', () => {
  it('is emptied at the start, because no file in it is known to be complete', async () => {
    await record(Buffer.from('before'));
    cache = await opened(BUDGET);
    expect(await files()).toEqual([]);
    expect(await ask(answering(Buffer.from('after'))).ended).toBe('produced');
  });

  it('may be emptied by others: the answer is made again', async () => {
    await record(Buffer.from('lost'));
    await rm(join(folder.path, 'answers', '0'));
    expect(await ask(answering(Buffer.from('again'))).ended).toBe('produced');
    const cached = ask(never);
    expect(await cached.ended).toBe('cached');
    expect(cached.reader.bytes().toString()).toBe('again');
  });

  it('may contain a truncated file: the answer breaks off with the reason', async () => {
    await record(randomBytes(200 * KIB));
    await truncate(join(folder.path, 'answers', '0'), 100 * KIB);
    expect(await ask(never).ended).toBe('a recorded response cannot be read: it is shorter than it was');
    expect(await openFiles()).toEqual([]);
  });

  it('is not used if it cannot be written', async () => {
    await askFirst();
    await rm(join(folder.path, 'answers'), { recursive: true });
    // A folder that is only missing would be created again.
    await writeFile(join(folder.path, 'answers'), '');
    const running = script();
    const askings = [ask(running), ask(never)];
    for (const word of ['one ', 'two ', 'three']) await running.write(word);
    const next = ask(answering(Buffer.from('own')));
    expect(await next.ended).toBe('produced');
    running.end();
    expect(await Promise.all(askings.map(({ ended }) => ended))).toEqual(['produced', 'followed']);
    for (const { reader } of askings) expect(reader.bytes().toString()).toBe('one two three');
  });
});
