/** Replies with artifacts that are too large for memory: sent from files, as they are, and nothing of them is left open. */
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { deflateSync, inflateSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type ArtifactName, nameOf } from '../../../../src/fossil/artifact-name.ts';
import type { Card, CompressedFileCard, FileCard } from '../../../../src/fossil/cards.ts';
import { inflatePayload } from '../../../../src/fossil/compression.ts';
import { applyDelta } from '../../../../src/fossil/delta.ts';
import { loginCard, loginSecret } from '../../../../src/fossil/login.ts';
import { readCards } from '../../../../src/fossil/read-cards.ts';
import { writeCards } from '../../../../src/fossil/write-cards.ts';
import { ScratchFiles } from '../../../../src/lib/scratch-files.ts';
import { ChangeShun } from '../../../../src/repository/fossil/change-shun.ts';
import type { ReceivedArtifact } from '../../../../src/repository/fossil/prepared-artifacts.ts';
import { type FossilListening, fossilHost, listenFossil, PASSWORD } from '../../../helpers/fossil-host.ts';
import { delta, FossilRig, whole } from '../../../helpers/fossil-rig.ts';
import { noise } from '../../../helpers/noise.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

const MIB = 2 ** 20;
const ROOM = 300 * MIB;

/** Each is larger than what a server has in memory: as it is, as a payload, or as what a small payload makes. */
const FIRST = whole(noise(6 * MIB), { algorithm: 'sha1' });
const SECOND = whole(Buffer.concat([FIRST.payload.subarray(0, 3 * MIB), noise(4 * MIB, 1)]));
const ZEROS = whole(Buffer.alloc(9 * MIB));
const SECRET = whole(noise(5 * MIB, 2), { isPrivate: true });
const SMALL = whole('small');

let folder: TempDir;
let rig: FossilRig;
let scratch: ScratchFiles;
let server: FossilListening;
let projectCode: string;

beforeAll(async () => {
  folder = await tempDir('cairn-large');
  scratch = new ScratchFiles(folder.path, ROOM);
  rig = await new FossilRig({ scratch }).create();
  await rig.push([SMALL, FIRST]);
  await rig.push([delta(FIRST, SECOND), ZEROS, SECRET]);
  projectCode = (await rig.bag()).state.projectCode;
  server = await listenFossil(fossilHost(rig.repository, { clock: rig.clock }));
});

afterEach(async () => {
  await expect.poll(() => scratch.free).toBe(ROOM);
  expect(await readdir(folder.path)).toEqual([]);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function ask(cards: readonly Card[], type = 'application/x-fossil-debug'): Promise<readonly Card[]> {
  const rest = writeCards(cards);
  const login = loginCard('alice', loginSecret(projectCode, 'alice', PASSWORD), rest);
  const message = Buffer.concat([writeCards([login]), rest]);
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': type },
    body: new Uint8Array(type === 'application/x-fossil' ? framed(message) : message),
  });
  const body = Buffer.from(await response.arrayBuffer());
  const sent = response.headers.get('content-type');
  return [...readCards(sent === 'application/x-fossil' ? inflateSync(body.subarray(4)) : body)];
}

function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(message.length);
  return Buffer.concat([prefix, deflateSync(message)]);
}

/** The contents that cards make, by name. */
function contentsOf(cards: readonly Card[]): Map<ArtifactName, Buffer> {
  const files = cards.filter(
    (card): card is FileCard | CompressedFileCard => card.card === 'file' || card.card === 'cfile',
  );
  const made = new Map<ArtifactName, Buffer>();
  for (let tries = 0; tries < files.length && made.size < files.length; tries++) {
    for (const card of files) {
      const payload = card.card === 'cfile' ? inflatePayload(card.payload, 20 * MIB) : card.payload;
      const source = card.source === undefined ? undefined : made.get(card.source);
      if (card.source === undefined) made.set(card.name, Buffer.from(payload));
      else if (source !== undefined) made.set(card.name, Buffer.from(applyDelta(source, payload, 20 * MIB)));
    }
  }
  return made;
}

function expectAll(cards: readonly Card[], artifacts: readonly ReceivedArtifact[]): void {
  const made = contentsOf(cards);
  expect([...made.keys()].sort()).toEqual(artifacts.map(({ name }) => name).sort());
  for (const { name, payload } of artifacts) expect(made.get(name)?.equals(payload), name).toBe(true);
}

async function cloned(version: number, isPrivate: boolean): Promise<readonly Card[]> {
  const all: Card[] = [];
  let cookie: readonly Card[] = [];
  for (let position = 1; position !== 0; ) {
    const priv: readonly Card[] = isPrivate ? [{ card: 'pragma', name: 'send-private', args: [] }] : [];
    const page = await ask([...cookie, ...priv, { card: 'clone', version, position }]);
    all.push(...page);
    cookie = page.filter(({ card }) => card === 'cookie');
    position = page.reduce((next, card) => (card.card === 'clone_seqno' ? card.position : next), 0);
  }
  return all;
}

it.each([
  [2, false],
  [2, true],
  [3, false],
  [3, true],
] as const)('a clone of version %i has all of them (private ones: %s)', async (version, isPrivate) => {
  const all = [SMALL, FIRST, SECOND, ZEROS];
  expectAll(await cloned(version, isPrivate), isPrivate ? [...all, SECRET] : all);
});

it.each(['application/x-fossil', 'application/x-fossil-debug'])(
  'a pull sends each that is asked for, as %s',
  async (type) => {
    for (const artifact of [SECOND, ZEROS, FIRST]) {
      const pull: Card = { card: 'pull', serverCode: 'x', projectCode };
      expectAll(await ask([pull, { card: 'gimme', name: artifact.name }], type), [artifact]);
    }
    const known: Card[] = [
      { card: 'pull', serverCode: 'x', projectCode },
      { card: 'igot', name: FIRST.name, isPrivate: false },
      { card: 'gimme', name: SECOND.name },
    ];
    const [sent] = (await ask(known, type)).filter((card): card is FileCard => card.card === 'file');
    expect(sent?.source).toBe(FIRST.name);
  },
);

it('a client that goes away in the middle leaves nothing open', async () => {
  const { port } = new URL(server.url);
  const body = Buffer.from('clone 3 1\n');
  for (const read of [1, 100_000, 1_000_000]) {
    await new Promise<void>((resolve) => {
      let got = 0;
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-fossil-debug\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
      });
      socket.on('data', (chunk: Buffer) => {
        got += chunk.length;
        if (got >= read) socket.destroy();
      });
      socket.on('close', () => resolve());
    });
  }
  expectAll(await cloned(3, false), [SMALL, FIRST, SECOND, ZEROS]);
});

it('an unversioned file is sent', async () => {
  const content = noise(7 * MIB, 5);
  const hash = nameOf(content, 'sha3-256');
  await rig.push({
    artifacts: [],
    unversioned: [{ name: 'f', time: 5, hash, size: content.length, content }],
  });
  const pull: Card = { card: 'pull', serverCode: 'x', projectCode };
  const reply = await ask([pull, { card: 'uvgimme', name: 'f' }], 'application/x-fossil');
  const [sent] = reply.flatMap((card) => (card.card === 'uvfile' ? [card.content] : []));
  expect(Buffer.from(sent ?? []).equals(content)).toBe(true);
});

it('a delta that is longer than what it makes is stored whole', async () => {
  const target = whole('the target');
  const commands = Buffer.from(`A\n${'0:'.repeat(3_000_000)}A:the target0;`);
  await rig.push([{ ...target, source: FIRST.name, payload: commands }]);
  const bag = await rig.bag();
  expect(bag.find(target.name)).toMatchObject({ size: 10 });
  expect(bag.find(target.name)?.source).toBeUndefined();
});

it('a delta of what was shunned is sent whole', async () => {
  const target = whole('the target');
  const { repository } = rig;
  await repository.publisher.join(
    new ChangeShun(repository, { shun: [FIRST.name, target.name] }, repository.mark()),
  );
  for (const version of [2, 3]) expectAll(await cloned(version, false), [SMALL, SECOND, ZEROS]);
});

it('a reply over a state that turns out to be an old one is dropped with its files', async () => {
  // The state is in memory from here on, and changes behind the back of this server.
  await ask([{ card: 'pull', serverCode: 'x', projectCode }]);
  await rig.another(7).push([whole('brought by another server')]);
  const cards = await ask([
    { card: 'push', serverCode: 'x', projectCode },
    { card: 'pull', serverCode: 'x', projectCode },
    { card: 'file', name: SMALL.name, payload: Buffer.from('small'), isPrivate: false },
    { card: 'gimme', name: ZEROS.name },
  ]);
  expect(contentsOf(cards).get(ZEROS.name)).toEqual(Buffer.alloc(9 * MIB));
});
