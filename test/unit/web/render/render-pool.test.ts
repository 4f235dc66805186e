import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { RenderPool, type RenderPoolOptions } from '../../../../src/web/render/render-pool.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

/** Does what its text says. */
const PROGRAM = `
import { parentPort } from 'node:worker_threads';
parentPort.on('message', ({ question: { text } }) => {
  if (text === 'loop') for (;;);
  if (text === 'backtrack') /^(a+)+$/.test('a'.repeat(60) + 'b');
  if (text === 'swell') for (const all = []; ; ) all.push(new Array(1000).fill(all.length));
  if (text === 'throw') return parentPort.postMessage({ is: 'failed', reason: 'x' });
  if (text === 'leave') process.exit(1);
  if (text === 'environment') return parentPort.postMessage({ is: 'rendered', answer: JSON.stringify(process.env) });
  parentPort.postMessage({ is: 'rendered', answer: text.toUpperCase() });
});
parentPort.postMessage({ is: 'ready' });
`;

const urlOf = (text: string) => new URL(`data:text/javascript,${encodeURIComponent(text)}`);
const program = urlOf(PROGRAM);

const place = { files: '/file', raw: '/raw', folder: [] };

let pool: RenderPool | undefined;

afterEach(() => pool?.close());

function open(options: Partial<RenderPoolOptions> = {}): RenderPool {
  pool = new RenderPool({
    workers: 1,
    queue: 8,
    timeLimit: 120_000,
    memory: 32,
    idle: 60_000,
    program,
    ...options,
  });
  return pool;
}

describe('a pool of threads that render', () => {
  it('renders with the real program, in one thread that stays', async () => {
    pool = new RenderPool({ workers: 1, queue: 8, timeLimit: 120_000, memory: 128, idle: 60_000 });
    expect(await pool.render('markdown', { text: '*a*', place })).toContain('<em>a</em>');
    const code = { text: 'const a = 1;\nb', language: 'typescript', columns: 80 } as const;
    expect(await pool.render('code', code)).toEqual([expect.stringContaining('hljs'), 'b']);
    expect(pool.size).toBe(1);
  });

  it.each(['loop', 'backtrack'])(
    'ends a thread whose text takes too long (%s), and continues',
    async (text) => {
      const threads = open({ timeLimit: 100 });
      expect(await threads.render('markdown', { text, place })).toBeUndefined();
      expect(threads.size).toBe(0);
      // A busy machine may take longer than the time limit even for this.
      await expect.poll(() => threads.render('markdown', { text: 'next', place })).toBe('NEXT');
    },
  );

  it('shows code without highlighting if the program takes too long for it', async () => {
    // Links that begin and do not end: at each, the rest of the line is searched.
    pool = new RenderPool({ workers: 1, queue: 8, timeLimit: 300, memory: 128, idle: 60_000 });
    const code = { text: '['.repeat(400_000), language: 'markdown', columns: 80 } as const;
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    expect(await pool.render('code', code)).toBeUndefined();
    clearInterval(ticking);
    // Nothing else runs in this process while it runs a regular expression itself.
    expect(turns).toBeGreaterThan(2);
    expect(pool.size).toBe(0);
  });

  it.each(['swell', 'leave'])('replaces a thread that ends by itself (%s)', async (text) => {
    const threads = open();
    expect(await threads.render('markdown', { text, place })).toBeUndefined();
    expect(threads.size).toBe(0);
    expect(await threads.render('markdown', { text: 'next', place })).toBe('NEXT');
  });

  it('keeps a thread that reports a failure', async () => {
    const threads = open();
    expect(await threads.render('markdown', { text: 'throw', place })).toBeUndefined();
    expect(threads.size).toBe(1);
  });

  it('passes no environment variables to threads', async () => {
    expect(await open().render('markdown', { text: 'environment', place })).toBe('{}');
  });

  it('has a limited number of threads, and refuses texts beyond the queue', async () => {
    const threads = open({ workers: 2, queue: 1 });
    const asked = ['a', 'b', 'c', 'd'].map((text) => threads.render('markdown', { text, place }));
    const settled = await Promise.allSettled(asked);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect(settled[3]).toMatchObject({ reason: { kind: 'busy' } });
    expect(threads.size).toBe(2);
  });

  it('does not wait for a new thread if another one is free before', async () => {
    await using folder = await tempDir();
    const started = JSON.stringify(`${folder.path}/started`);
    const onlyFirst = `import { mkdirSync } from 'node:fs';\nmkdirSync(${started});\n${PROGRAM}`;
    const stuck = `try { await import(${JSON.stringify(urlOf(onlyFirst).href)}) } catch { setInterval(() => {}, 1000) }`;
    const threads = open({ workers: 2, program: urlOf(stuck) });
    expect(await threads.render('markdown', { text: 'first', place })).toBe('FIRST');
    // The second thread never starts, and is still starting.
    const asked = ['a', 'b', 'c', 'd'].map((text) => threads.render('markdown', { text, place }));
    expect(await Promise.all(asked)).toEqual(['A', 'B', 'C', 'D']);
    expect(threads.size).toBe(2);
    await threads.close();
    expect(threads.size).toBe(0);
  });

  it('leaves texts as they are whose threads do not start, and ends what waits when it is closed', async () => {
    const broken = open({ workers: 2, program: urlOf('throw new Error()') });
    const asked = ['a', 'b', 'c'].map((text) => broken.render('markdown', { text, place }));
    expect(await Promise.all(asked)).toEqual([undefined, undefined, undefined]);
    await broken.close();
    const silent = open({ program: urlOf('setInterval(() => {}, 1000)') });
    const waiting = silent.render('markdown', { text: 'a', place });
    await expect.poll(() => silent.size).toBe(1);
    await silent.close();
    expect(await waiting).toBeUndefined();
  });

  it('tells the text of a thread that cannot be made, and goes on', async () => {
    const threads = open({ program: new URL('https://example.org/no-program.js') });
    for (let text = 0; text < 3; text++) {
      await expect(threads.render('markdown', { text: 'a', place })).rejects.toThrow();
    }
    expect(threads.size).toBe(0);
  });

  it('answers all texts, whatever happens to threads', async () => {
    const random = new SeededRandom(7);
    const threads = open({ workers: 3, queue: 200, timeLimit: 2_000, idle: 1 });
    const kinds = ['a', 'b', 'c', 'throw', 'leave'];
    const texts = Array.from({ length: 120 }, () => random.pick(kinds));
    const answers = await Promise.all(
      texts.map(async (text, at) => {
        if (at % 7 === 0) await sleep(random.below(60));
        return threads.render('markdown', { text, place });
      }),
    );
    for (const [at, text] of texts.entries()) {
      if (text.length > 1) expect(answers[at], text).toBeUndefined();
      // A thread that is slow to answer is ended; on a busy machine that may happen.
      else expect([text.toUpperCase(), undefined]).toContain(answers[at]);
    }
    expect(answers.filter((answer) => answer !== undefined).length).toBeGreaterThan(20);
  });

  it('ends idle threads', async () => {
    const threads = open({ idle: 1 });
    expect(await threads.render('markdown', { text: 'a', place })).toBe('A');
    await expect.poll(() => threads.size).toBe(0);
    expect(await threads.render('markdown', { text: 'b', place })).toBe('B');
  });

  it('ends running work when it is closed', async () => {
    const threads = open();
    const running = threads.render('markdown', { text: 'loop', place });
    await expect.poll(() => threads.size).toBe(1);
    await threads.close();
    expect(await running).toBeUndefined();
    expect(threads.size).toBe(0);
  });
});
