/** How much memory a server takes for large artifacts of Fossil projects: a process of its own, whose peak is what the system counts. */
import { readFile, writeFile } from 'node:fs/promises';
import { deflateSync, inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { type ArtifactName, nameOf } from '../../src/fossil/artifact-name.ts';
import type { Card, FileCard } from '../../src/fossil/cards.ts';
import { DELTA_DIGITS } from '../../src/fossil/delta.ts';
import { readCards } from '../../src/fossil/read-cards.ts';
import { writeCards } from '../../src/fossil/write-cards.ts';
import { runCommand } from '../helpers/command.ts';
import { noise } from '../helpers/noise.ts';
import { OWNER, type ServerProcess, spawnServer } from '../helpers/server.ts';
import { tell } from '../helpers/tell.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const MIB = 2 ** 20;
const NAME = 'large';
const PROJECT = '7'.repeat(40);
const PUSH: Card = { card: 'push', serverCode: 'x', projectCode: PROJECT };

/** Issue 14: at most so many bytes above what an idle server has. */
const MOST = 150_000_000;

async function memoryOf({ pid }: ServerProcess, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
}

/** Bytes that a server takes at most while something happens, above what it had when it was idle. */
async function growth(
  server: ServerProcess,
  idle: number,
  what: string,
  work: () => Promise<void>,
): Promise<number> {
  await writeFile(`/proc/${server.pid}/clear_refs`, '5');
  const began = performance.now();
  await work();
  const grown = (await memoryOf(server, 'VmHWM')) - idle;
  tell(what, { megabytes: Math.round(grown / 1e6), milliseconds: Math.round(performance.now() - began) });
  return grown;
}

/** A message as stock clients send it, with a zlib stream that is cheap to make. */
function framed(message: Uint8Array, level: number): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(message.length);
  return Buffer.concat([prefix, deflateSync(message, { level })]);
}

function file(payload: Uint8Array, source?: ArtifactName): FileCard {
  return {
    card: 'file',
    name: nameOf(payload, 'sha1'),
    payload,
    isPrivate: false,
    ...(source === undefined ? {} : { source }),
  };
}

it('a server takes at most 150 MB for messages with large artifacts, whatever is in them (issue 14)', async () => {
  await using folder = await tempDir('cairn-memory');
  const store = `file:${folder.path}/store`;
  const made = await runCommand(
    ['repo', 'create', `${OWNER}/${NAME}`, '--fossil', '--project-code', PROJECT, '--store', store],
    {},
  );
  expect(made, made.stderr).toMatchObject({ exitCode: 0 });
  await using server = await spawnServer([
    '--store',
    store,
    '--access',
    'open',
    '--cache',
    `${folder.path}/cache`,
  ]);
  const url = `${server.url}/fossil/${OWNER}/${NAME}`;
  const post = async (body: Uint8Array, type = 'application/x-fossil') => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': type },
      body: new Uint8Array(body),
    });
    expect(response.status).toBe(200);
    return response;
  };
  const send = async (cards: readonly Card[], level = 0) => {
    const response = await post(framed(writeCards(cards), level));
    const reply = inflateSync(Buffer.from(await response.arrayBuffer()).subarray(4));
    const told = [...readCards(reply)].filter(({ card }) => card === 'error');
    expect(told).toEqual([]);
  };
  await send([PUSH, file(Buffer.from('small'))]);
  const idle = await memoryOf(server, 'VmRSS');
  tell('idle', { megabytes: Math.round(idle / 1e6) });
  const large = noise(64 * MIB);
  const zeros = [1, 2].map((seed) => {
    const bytes = Buffer.alloc(120 * MIB);
    bytes[0] = seed;
    return framed(writeCards([PUSH, file(bytes)]), 1);
  });
  expect(
    await growth(server, idle, 'one that does not compress', () => send([PUSH, file(large)])),
  ).toBeLessThan(MOST);
  expect(
    await growth(server, idle, 'two of zeros at once', async () => {
      await Promise.all(zeros.map(async (body) => (await post(body)).arrayBuffer()));
    }),
  ).toBeLessThan(MOST);

  // What was pushed is sent, too.
  const name = nameOf(large, 'sha1');
  const pull = (wanted: ArtifactName): Buffer =>
    writeCards([
      { card: 'pull', serverCode: 'x', projectCode: PROJECT },
      { card: 'gimme', name: wanted },
    ]);
  const check = async (what: string, work: () => Promise<void>) => {
    expect(await growth(server, idle, what, work), what).toBeLessThan(MOST);
  };
  await check('two pulls at once', async () => {
    const sizes = await Promise.all(
      [1, 2].map(async () => sizeOfReply(await post(pull(name), 'application/x-fossil-debug'))),
    );
    for (const size of sizes) expect(size).toBeGreaterThan(large.length);
  });
  await check('a clone', async () => {
    let size = 0;
    let next = 1;
    let cookie = '';
    while (next !== 0) {
      const page = await post(Buffer.from(`${cookie}clone 3 ${next}\n`), 'application/x-fossil-uncompressed');
      const bytes = Buffer.from(await page.arrayBuffer());
      size += bytes.length;
      for (const card of readCards(bytes)) {
        if (card.card === 'clone_seqno') next = card.position;
        if (card.card === 'cookie') cookie = `cookie ${card.value}\n`;
      }
    }
    expect(size).toBeGreaterThan(large.length);
  });
  const changed = Buffer.concat([
    large.subarray(0, 40 * MIB),
    Buffer.from('a change'),
    large.subarray(41 * MIB),
  ]);
  const payload = deltaOf(40 * MIB, 'a change', 41 * MIB, large.length);
  await check('a delta of it', () => send([PUSH, { ...file(changed, name), payload }]));
  await check('a pull of the delta', async () => {
    const reply = await post(pull(nameOf(changed, 'sha1')), 'application/x-fossil-debug');
    expect(await sizeOfReply(reply)).toBeGreaterThan(changed.length);
  });
  const few = Buffer.alloc(1_500, 'a line of text\n');
  const many = Array.from({ length: 39_000 }, (_, at) => file(Buffer.concat([few, Buffer.from(`${at}`)])));
  await check('very many small ones', () => send([PUSH, ...many], 1));
  const middle = noise(40 * MIB, 1);
  const hash = nameOf(middle, 'sha1');
  await check('an unversioned file', () =>
    send([
      PUSH,
      { card: 'uvfile', name: 'file', time: 1, hash, size: middle.length, flags: 0, content: middle },
    ]),
  );
  await check('a compressed reply', async () => {
    const asked = writeCards([
      { card: 'pull', serverCode: 'x', projectCode: PROJECT },
      { card: 'uvgimme', name: 'file' },
    ]);
    expect(await sizeOfReply(await post(framed(asked, 1)))).toBeGreaterThan(middle.length);
  });
});

async function sizeOfReply(response: Response): Promise<number> {
  let size = 0;
  for await (const chunk of response.body ?? []) size += chunk.length;
  return size;
}

/** A delta that copies what is before a place, writes a text, and copies from another place to the end. */
function deltaOf(before: number, text: string, after: number, end: number): Buffer {
  const digits = (value: number): string =>
    (value >= 64 ? digits(Math.floor(value / 64)) : '') + (DELTA_DIGITS[value % 64] ?? '');
  const size = before + text.length + end - after;
  return Buffer.from(
    `${digits(size)}\n${digits(before)}@0,${digits(text.length)}:${text}${digits(end - after)}@${digits(after)},0;`,
  );
}
