/** Messages that are too large for memory: they are read from a file, refused in Fossil's words, and leave nothing behind. */
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { deflateSync, inflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameOf } from '../../../../src/fossil/artifact-name.ts';
import type { Card, FileCard } from '../../../../src/fossil/cards.ts';
import { deflatePayload } from '../../../../src/fossil/compression.ts';
import { createDelta } from '../../../../src/fossil/create-delta.ts';
import { loginCard, loginSecret } from '../../../../src/fossil/login.ts';
import { writeCards } from '../../../../src/fossil/write-cards.ts';
import type { ExchangeHost } from '../../../../src/fossil-sync/server/exchange.ts';
import { answerFossil, turnsForLargeMessages } from '../../../../src/http/fossil/answer-fossil.ts';
import { ByteBudget } from '../../../../src/lib/byte-budget.ts';
import { CairnError } from '../../../../src/lib/errors.ts';
import { Pace } from '../../../../src/lib/pace.ts';
import { ScratchFiles } from '../../../../src/lib/scratch-files.ts';
import { type FossilListening, fossilHost, listenFossil, PASSWORD } from '../../../helpers/fossil-host.ts';
import { FossilRig, whole } from '../../../helpers/fossil-rig.ts';
import { noise } from '../../../helpers/noise.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

const MIB = 2 ** 20;
const ROOM = 200 * MIB;

let folder: TempDir;
let rig: FossilRig;
let host: ExchangeHost;
let server: FossilListening;
let scratch: ScratchFiles;
let projectCode: string;

beforeEach(async () => {
  folder = await tempDir('cairn-large');
  scratch = new ScratchFiles(folder.path, ROOM);
  rig = await new FossilRig({ scratch }).create();
  await rig.push([whole('small')]);
  projectCode = (await rig.bag()).state.projectCode;
  host = fossilHost(rig.repository, { clock: rig.clock, messageBytes: 20 * MIB });
  server = await listenFossil(host);
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  // All of the room is free, and no file is left: neither by what is taken in nor by what is refused.
  expect(scratch.free).toBe(ROOM);
  expect(await readdir(folder.path)).toEqual([]);
  await folder[Symbol.asyncDispose]();
});

/** A body of a pushing user. */
function pushed(cards: readonly Card[], change: (message: Buffer) => Buffer = (message) => message): Buffer {
  const rest = change(writeCards([{ card: 'push', serverCode: 'x', projectCode }, ...cards]));
  return Buffer.concat([
    writeCards([loginCard('alice', loginSecret(projectCode, 'alice', PASSWORD), rest)]),
    rest,
  ]);
}

function framed(message: Uint8Array, size = message.length): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(size);
  return Buffer.concat([prefix, deflateSync(message, { level: 1 })]);
}

function file(payload: Uint8Array): FileCard {
  return { card: 'file', name: nameOf(payload, 'sha1'), payload, isPrivate: false };
}

async function send(body: Uint8Array, type = 'application/x-fossil-debug'): Promise<string> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': type },
    body: new Uint8Array(body),
  });
  expect(response.status).toBe(200);
  const reply = Buffer.from(await response.arrayBuffer());
  return (type === 'application/x-fossil' ? inflateSync(reply.subarray(4)) : reply).toString('latin1');
}

async function count(): Promise<number> {
  return (await rig.bag()).count;
}

describe('a large message', () => {
  const large = noise(9 * MIB);

  it('is stored as it came, in every form', async () => {
    const stored = noise(8 * MIB, 1);
    const unversioned = noise(6 * MIB, 2);
    const changed = Buffer.concat([
      large.subarray(0, 5 * MIB),
      Buffer.from('a change'),
      large.subarray(6 * MIB),
    ]);
    const hash = nameOf(unversioned, 'sha3-256');
    for (const cards of [
      [file(large), file(Buffer.from('a small one beside'))],
      [
        {
          card: 'cfile',
          name: nameOf(stored, 'sha3-256'),
          size: stored.length,
          payload: deflatePayload(stored),
          isPrivate: false,
        },
      ],
      [
        {
          card: 'uvfile',
          name: 'a-file',
          time: 1,
          hash,
          size: unversioned.length,
          flags: 0,
          content: unversioned,
        },
        { card: 'comment', text: 'with one line more' },
      ],
      [{ ...file(changed), source: nameOf(large, 'sha1'), payload: createDelta(large, changed) }],
    ] satisfies Card[][]) {
      expect(await send(framed(pushed(cards)), 'application/x-fossil')).not.toContain('error ');
    }
    const bag = await rig.another().bag();
    for (const content of [large, stored, changed]) {
      const name = nameOf(content, content === stored ? 'sha3-256' : 'sha1');
      expect(Buffer.from(await bag.content(name)).equals(content)).toBe(true);
    }
    expect(Buffer.from(await bag.unversionedContent(hash)).equals(unversioned)).toBe(true);
    expect(bag.count).toBe(5);
  });

  it('makes deltas of what is in it, and of what waits for it', async () => {
    const [first, second, third] = [
      large,
      Buffer.concat([large, Buffer.from('2')]),
      Buffer.concat([large, Buffer.from('33')]),
    ];
    const as = (content: Buffer, source: Buffer): Card => ({
      ...file(content),
      source: nameOf(source, 'sha1'),
      payload: createDelta(source, content),
    });
    // The third is made of the second, which is made of the first, which comes last.
    expect(await send(pushed([as(third, second)]))).not.toContain('error ');
    expect(await count()).toBe(1);
    expect(await send(pushed([as(second, first), file(first)]))).not.toContain('error ');
    const bag = await rig.another().bag();
    for (const content of [first, second, third]) {
      expect(Buffer.from(await bag.content(nameOf(content, 'sha1'))).equals(content)).toBe(true);
    }
  });

  const half = (bytes: Buffer) => bytes.subarray(0, bytes.length / 2);
  it.each<[string, () => Buffer, string, RegExp]>([
    [
      'a file that declares more than comes',
      () =>
        pushed([file(large)], (message) =>
          Buffer.from(message.toString('latin1').replace(/9437184/, '9437185'), 'latin1'),
        ),
      'application/x-fossil-debug',
      /payload.is.cut.short/,
    ],
    [
      'a message that ends in a file',
      () => half(pushed([file(large)])),
      'application/x-fossil-debug',
      /login.failed|cut.short/,
    ],
    [
      'a login of another message',
      () => Buffer.concat([pushed([file(large)]), Buffer.from('# more\n')]),
      'application/x-fossil-debug',
      /login.failed/,
    ],
    [
      'another content than its name says',
      () => pushed([{ ...file(large), name: nameOf(Buffer.from('x'), 'sha1') }]),
      'application/x-fossil-debug',
      /does.not.match.its.name/,
    ],
    [
      'one bad artifact after a good one',
      () => pushed([file(large), { ...file(noise(5 * MIB)), name: nameOf(Buffer.from('x'), 'sha1') }]),
      'application/x-fossil-debug',
      /does.not.match.its.name/,
    ],
    [
      'a delta that copies from behind its source',
      () =>
        pushed([
          file(large),
          { ...file(Buffer.from('y')), source: nameOf(large, 'sha1'), payload: Buffer.from('1\n1@~~~~~,0;') },
        ]),
      'application/x-fossil-debug',
      /malformed.delta/,
    ],
    [
      'a card that is none',
      () => pushed([file(large), { card: 'unknown', line: 'nonsense' }]),
      'application/x-fossil-debug',
      /bad.command/,
    ],
    [
      'too large',
      () => Buffer.alloc(21 * MIB, '# x\n'),
      'application/x-fossil-debug',
      /more.than.20971520.bytes/,
    ],
    [
      'compressed, and ends in the middle',
      () => half(framed(pushed([file(large)]))),
      'application/x-fossil',
      /cannot.be.inflated/,
    ],
    [
      'compressed, with trailing bytes',
      () => Buffer.concat([framed(pushed([file(large)])), Buffer.alloc(300_000)]),
      'application/x-fossil',
      /does.not.inflate.to/,
    ],
    [
      'compressed, and declares less',
      () => framed(pushed([file(large)]), 5 * MIB),
      'application/x-fossil',
      /does.not.inflate.to/,
    ],
    [
      'compressed, and declares more',
      () => framed(pushed([file(large)]), 15 * MIB),
      'application/x-fossil',
      /does.not.inflate.to/,
    ],
    [
      'a bomb that declares what it is',
      () => framed(Buffer.alloc(30 * MIB)),
      'application/x-fossil',
      /at.most.20971520/,
    ],
    [
      'a bomb that declares little',
      () => framed(Buffer.alloc(60 * MIB), 6 * MIB),
      'application/x-fossil',
      /does.not.inflate.to/,
    ],
    [
      'no zlib stream',
      () => Buffer.concat([Buffer.from([0, 0x80, 0, 0]), noise(9 * MIB)]),
      'application/x-fossil',
      /cannot.be.inflated/,
    ],
    [
      'a payload that is a bomb',
      () =>
        pushed([
          file(large),
          {
            card: 'cfile',
            name: nameOf(large, 'sha1'),
            size: 1,
            payload: Buffer.concat([Buffer.from([0, 0x60, 0, 0]), deflateSync(Buffer.alloc(60 * MIB))]),
            isPrivate: false,
          },
        ]),
      'application/x-fossil-debug',
      /damaged|size/,
    ],
  ])('is refused in an error card: %s', async (_what, body, type, words) => {
    const reply = (await send(body(), type)).replaceAll('\\s', ' ');
    expect(reply).toMatch(/^error /m);
    expect(reply).toMatch(words);
    expect(await count()).toBe(1);
    // The turn is free.
    expect(await send(Buffer.alloc(5 * MIB, `# ${'x'.repeat(1_000)}\n`))).not.toContain('error ');
  });

  it('whose client goes in the middle is dropped', async () => {
    const body = framed(pushed([file(large)]));
    const { port } = new URL(server.url);
    for (const kept of [100, 5 * MIB, body.length - 1]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => {
          socket.write(
            `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil\r\nContent-Length: ${body.length}\r\n\r\n`,
          );
          socket.write(body.subarray(0, kept), () => setTimeout(() => socket.destroy(), 50));
        });
        socket.on('close', () => resolve());
        socket.on('error', () => undefined);
      });
    }
    await expect.poll(() => scratch.free).toBe(ROOM);
    expect(await count()).toBe(1);
  });

  it('whose client stops sending is ended, and dropped', async () => {
    const turns = turnsForLargeMessages();
    const memory = new ByteBudget(0);
    let end: Promise<unknown> = Promise.resolve();
    const slow = createServer((incoming, outgoing) => {
      const tooSlow = () => incoming.destroy(new CairnError('invalid', 'too slow'));
      const pace = new Pace({ bytesPerSecond: 1_000_000, patience: 300 }, tooSlow, () => performance.now());
      const type = 'application/x-fossil-debug';
      end = answerFossil(incoming, outgoing, type, host, { memory, turns, pace }).catch((error) => error);
    });
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    const { port } = slow.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n');
      socket.write(Buffer.alloc(5 * MIB, '# x\n'));
    });
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => socket.on('close', () => resolve()));
    expect(await end).toMatchObject({ kind: 'invalid', message: expect.stringContaining('too slow') });
    expect(scratch.free).toBe(ROOM);
    await new Promise((resolve) => slow.close(resolve));
  });

  it('is refused as busy when there is no disk space, and read to its end', async () => {
    const held = await scratch.open();
    await held.append(Buffer.alloc(ROOM - 6 * MIB));
    expect(await send(pushed([file(large)]))).toMatch(/^error too.smany.slarge.sfiles/m);
    await held.close();
    expect(await send(pushed([file(large)]))).not.toContain('error ');
  });
});
