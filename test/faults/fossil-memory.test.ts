/** How much memory a server takes for large artifacts of Fossil projects: a process of its own, whose peak is what the system counts. */
import { readFile, writeFile } from 'node:fs/promises';
import { deflateSync, inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { type ArtifactName, nameOf } from '../../src/fossil/artifact-name.ts';
import type { Card } from '../../src/fossil/cards.ts';
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

function file(payload: Uint8Array, source?: ArtifactName): Card {
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
  const large = noise(110 * MIB);
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
});
