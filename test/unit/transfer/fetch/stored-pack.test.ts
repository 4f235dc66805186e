import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodePackHeader } from '../../../../src/git/index.ts';
import { sha256 } from '../../../../src/lib/digest.ts';
import type { ArtifactStream } from '../../../../src/repository/cache/artifact-stream.ts';
import type { PackPart } from '../../../../src/transfer/fetch/plan.ts';
import { sendStoredResponse } from '../../../../src/transfer/fetch/stored-pack.ts';
import type { Output } from '../../../../src/transfer/output.ts';
import { parseAnswer } from '../../../helpers/fetch-answer.ts';

const MIB = 1024 * 1024;

/** A pack of a repository, of which no more arrives at once than `piece` bytes. */
function storedPack(size: number, piece = size): { part: PackPart; bytes: Buffer; stream: ArtifactStream } {
  const content = Buffer.concat([encodePackHeader(1), randomBytes(size)]);
  const bytes = Buffer.concat([content, createHash('sha1').update(content).digest()]);
  const pack = { digest: sha256(bytes), size: bytes.length };
  const read = async (places: readonly Buffer[], from: number, to: number) => {
    const end = Math.min(to, from + piece);
    let at = from;
    for (const place of places) at += bytes.copy(place, 0, at, Math.min(end, at + place.length));
    return at - from;
  };
  return {
    part: { pack, end: content.length, objects: 1 },
    bytes,
    stream: { size: bytes.length, read, verified: Promise.resolve(), release: () => undefined },
  };
}

async function send(packs: readonly ReturnType<typeof storedPack>[], output: Output): Promise<void> {
  const streams = new Map(packs.map(({ part, stream }) => [part.pack.digest, stream]));
  const open = async ({ digest }: { digest: string }) => {
    const stream = streams.get(digest);
    if (stream === undefined) throw new Error('no such pack');
    return stream;
  };
  const parts = packs.map(({ part }) => part);
  const response = { form: { version: 2, sideband: 65_515 }, parts, progress: false } as const;
  await sendStoredResponse(response, 'sha1', open, output, new AbortController().signal);
}

const packOf = (chunks: readonly Buffer[]) => parseAnswer(Buffer.concat(chunks), 2, true).pack;
const memoriesOf = (chunks: readonly Uint8Array[]) => new Set(chunks.map(({ buffer }) => buffer)).size;

/** An output that needs a chunk until it is asked whether it has taken it, and then never again. */
function takingOutput(): Output & { readonly copies: Buffer[]; readonly written: Uint8Array[] } {
  const written: Uint8Array[] = [];
  const copies: Buffer[] = [];
  return {
    written,
    copies,
    write: async (chunk) => {
      written.push(chunk);
      return true;
    },
    taken: async () => {
      copies.push(...written.slice(copies.length).map((chunk) => Buffer.from(chunk)));
      written.at(-1)?.fill(0x2e);
      return true;
    },
  };
}

/** What the output got, with the end of the response, after which nothing is written. */
const sentTo = ({ copies, written }: ReturnType<typeof takingOutput>) => [
  ...copies,
  ...written.slice(copies.length).map((chunk) => Buffer.from(chunk)),
];

const joined = (packs: readonly ReturnType<typeof storedPack>[]) => {
  const [only] = packs;
  if (packs.length === 1 && only !== undefined) return only.bytes;
  const contents = packs.map(({ bytes }) => bytes.subarray(12, -20));
  const content = Buffer.concat([encodePackHeader(packs.length), ...contents]);
  return Buffer.concat([content, createHash('sha1').update(content).digest()]);
};

describe.each([
  ['one stored pack', [3 * MIB]],
  ['several stored packs', [MIB, 7, 2 * MIB]],
])('an answer of %s', (_, sizes) => {
  it.each([3 * MIB, 100_000, 65_515, 13])('that come %i bytes at a time is the same pack', async (piece) => {
    const packs = sizes.map((size) => storedPack(Math.ceil((size * Math.min(piece, MIB)) / MIB), piece));
    const output = takingOutput();
    await send(packs, output);
    expect(packOf(sentTo(output))?.equals(joined(packs))).toBe(true);
  });

  it('is sent from the same memory, once the client has what lay there', async () => {
    const packs = sizes.map((size) => storedPack(size));
    const output = takingOutput();
    await send(packs, output);
    expect(output.written.length).toBeGreaterThan(10);
    // Of the beginning, the pack and the end.
    expect(memoriesOf(output.written)).toBeLessThanOrEqual(3);
  });

  it('has memory of its own for each chunk, if nobody knows how long one is needed', async () => {
    const packs = sizes.map((size) => storedPack(size));
    const chunks: Buffer[] = [];
    const write = async (chunk: Uint8Array) =>
      chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)) > 0;
    await send(packs, { write });
    expect(packOf(chunks)?.equals(joined(packs))).toBe(true);
  });

  it('ends with a client that goes while it is waited for', async () => {
    let written = 0;
    const write = async () => ++written > 0;
    await send(
      sizes.map((size) => storedPack(size)),
      { write, taken: async () => written < 3 },
    );
    expect(written).toBe(3);
  });
});
