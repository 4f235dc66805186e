import { createGzip, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { delimiterPacket, encodePacket, flushPacket } from '../../src/git/index.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { GitClient } from '../helpers/git-client.ts';
import { hosted, type Place } from '../helpers/hosted.ts';
import { fetchFrom, packetsOf } from '../helpers/raw-git.ts';
import { lines } from '../helpers/upload-requests.ts';

const GZIP = { 'Content-Encoding': 'gzip' };
const V2 = { 'Git-Protocol': 'version=2' };

/** `count` lines of 50 bytes that each have another id. */
function ids(word: 'want' | 'have', count: number): Buffer {
  const all = Buffer.alloc(count * 50, `0032${word} ${'0'.repeat(40)}\n`);
  for (let at = 0; at < count; at++)
    all.write((at * 2_654_435_761).toString(16).padStart(16, '0'), at * 50 + 9);
  return all;
}

/** The compressed form of many megabytes, without having them all at once. */
async function compressed(head: Buffer, piece: Buffer, times: number, tail: Buffer): Promise<Buffer> {
  const gzip = createGzip();
  const chunks: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk));
  gzip.write(head);
  for (let at = 0; at < times; at++) {
    if (!gzip.write(piece)) await new Promise((resolve) => gzip.once('drain', resolve));
  }
  await new Promise<void>((resolve) => {
    gzip.on('end', resolve);
    gzip.end(tail);
  });
  return Buffer.concat(chunks);
}

describe('a very large request is refused early with a reason (issue 11, point 11)', () => {
  const cairn = hosted(async () => new MemoryObjectStore());
  let here: Place & { readonly author: GitClient; readonly tip: string };

  beforeAll(async () => {
    here = await cairn.published();
  });

  /** Processes of upload-pack so far. */
  async function started(): Promise<string> {
    const metrics = await (await fetch(`${cairn.app.url}/metrics`)).text();
    return /^cairn_git_processes_total\{command="upload-pack"\} (.*)$/m.exec(metrics)?.[1] ?? 'none';
  }

  it('with 3.6 million prefixes of refs in a small compressed body', async () => {
    const head = Buffer.concat([lines('command=ls-refs'), delimiterPacket]);
    const piece = Buffer.concat(Array.from({ length: 36_000 }, () => lines('ref-prefix refs/heads/x')));
    const body = await compressed(head, piece, 100, flushPacket);
    expect(body.length).toBeLessThan(2 ** 20);
    const before = await started();

    const answer = await fetchFrom(here.url, body, { ...GZIP, ...V2 });

    expect(answer.status).toBe(200);
    expect(packetsOf(answer.body)).toEqual([
      'ERR the compressed request has more than 200 times its size of content: send it without compression',
    ]);
    expect(await started()).toBe(before);
  });

  it.each([0, 2] as const)('with more than a million haves, in version %i', async (version) => {
    const head =
      version === 2
        ? Buffer.concat([lines('command=fetch'), delimiterPacket, lines(`want ${here.tip}`)])
        : Buffer.concat([lines(`want ${here.tip}`), flushPacket]);
    // More comes after the line that is too many: whoever sends it still reads the answer.
    const body = Buffer.concat([head, ids('have', 1_200_000), flushPacket]);
    const headers = version === 0 ? {} : V2;
    const before = await started();

    // In v0 as git sends what is large: not compressed.
    const answer =
      version === 0
        ? await fetchFrom(here.url, [body], headers)
        : await fetchFrom(here.url, gzipSync(body, { level: 1 }), { ...headers, ...GZIP });

    expect(answer.status).toBe(200);
    expect(packetsOf(answer.body)).toEqual([
      "ERR a request may have 1000000 'have' lines, and this one has more: ask for less at a time",
    ]);
    expect(await started()).toBe(before);
  });

  it.each([
    [
      'lines that git looks for in all packs anew',
      () => Buffer.concat(Array.from({ length: 100_001 }, () => lines(`shallow ${'1'.repeat(40)}`))),
      "ERR a request may have 100000 'shallow' lines, and this one has more: ask for less at a time",
    ],
    [
      'names that git looks for in all refs',
      () => lines(...Array.from({ length: 1_001 }, () => 'deepen-not refs/heads/main')),
      "ERR a request may have 1000 'deepen-not' lines, and this one has more: ask for less at a time",
    ],
    [
      'filters within each other',
      () => lines(`filter ${'combine:'.repeat(8_000)}blob:none`),
      'ERR a filter may have 4096 bytes, and this one has more',
    ],
  ])('with %s, which cost git seconds', async (_, costly, reason) => {
    const wanted = lines('command=fetch');
    const body = [wanted, delimiterPacket, lines(`want ${here.tip}`), costly(), lines('done'), flushPacket];
    const before = await started();
    const answer = await fetchFrom(here.url, Buffer.concat(body), V2);
    expect(packetsOf(answer.body)).toEqual([reason]);
    expect(await started()).toBe(before);
  });

  it('and is answered with as many haves as a normal client may have', async () => {
    const head = lines('command=fetch');
    const body = Buffer.concat([
      head,
      delimiterPacket,
      lines(`want ${here.tip}`),
      ids('have', 100_000),
      lines('done'),
      flushPacket,
    ]);
    const answer = await fetchFrom(here.url, gzipSync(body, { level: 1 }), { ...V2, ...GZIP });
    expect(answer.status).toBe(200);
    expect(answer.body.includes('PACK')).toBe(true);
  });

  it('and is answered with 150,000 prefixes that git has compressed', async () => {
    const names = Array.from({ length: 30_000 }, (_, at) => `feature-${String(at).padStart(6, '0')}`);
    const prefixes = ['', 'refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/'];
    const asked = names.flatMap((name) => prefixes.map((prefix) => `ref-prefix ${prefix}${name}`));
    const packets = asked.map((line) => encodePacket(`${line}\n`));
    const body = Buffer.concat([lines('command=ls-refs'), delimiterPacket, ...packets, flushPacket]);
    const answer = await fetchFrom(here.url, gzipSync(body), { ...V2, ...GZIP });
    // As git answers who names more prefixes than it looks at: with every ref.
    expect(packetsOf(answer.body)).toContain(`${here.tip} refs/heads/main`);
  });

  it('and git shows the reason to its user', async () => {
    // Each name that is no whole name of a ref may be one of six.
    const names = Array.from({ length: 170_000 }, (_, at) => `f${at}`).join('\n');
    const fetched = await here.author.try(['fetch', '--stdin', 'origin'], { input: names });
    expect(fetched.stderr).toContain("a request may have 1000000 'ref-prefix' lines");
  });

  it('and leaves no process and no file behind', async () => {
    await expect.poll(() => cairn.app.git.running).toBe(0);
    await expect
      .poll(async () => (await fetch(`${cairn.app.url}/metrics`)).text())
      .toMatch(/^cairn_spool_bytes(\{\})? 0$/m);
  });
});
