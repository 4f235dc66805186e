/**
 * Git's protocol over HTTP without a git client: for requests that no client sends, and for what a client does not
 * show of an answer.
 */
import { createHash } from 'node:crypto';
import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { encodePacket, flushPacket, hexLength, PacketReader, textOf, zeroId } from '../../src/git/index.ts';
import { appendDelta, CraftedPack } from './craft-pack.ts';

export interface RawRequest {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  /** One piece goes with a Content-Length, several go as chunks, written one after another. */
  readonly body?: string | Uint8Array | readonly Uint8Array[];
  readonly agent?: Agent;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** Sends one request and reads its answer whole. Rejects when the connection breaks before the answer is complete. */
export function send(url: string, options: RawRequest = {}): Promise<RawAnswer> {
  const { method = options.body === undefined ? 'GET' : 'POST', headers = {}, body, agent } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, ...(agent === undefined ? {} : { agent }) });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const whole = Buffer.concat(chunks);
        const { statusCode: status = 0, headers: received } = incoming;
        resolve({ status, headers: received, body: whole, text: whole.toString() });
      });
    });
    if (body === undefined) outgoing.end();
    else if (typeof body === 'string' || body instanceof Uint8Array) outgoing.end(body);
    else {
      for (const piece of body) outgoing.write(piece);
      outgoing.end();
    }
  });
}

export const UPLOAD_PACK = { 'Content-Type': 'application/x-git-upload-pack-request' };
export const RECEIVE_PACK = { 'Content-Type': 'application/x-git-receive-pack-request' };

/** Posts the head of a push, and its pack if there is one. */
export function push(
  url: string,
  body: Uint8Array | readonly Uint8Array[],
  headers: OutgoingHttpHeaders = {},
): Promise<RawAnswer> {
  return send(`${url}/git-receive-pack`, { headers: { ...RECEIVE_PACK, ...headers }, body });
}

/** Posts a request to upload-pack. */
export function fetchFrom(
  url: string,
  body: Uint8Array | readonly Uint8Array[],
  headers: OutgoingHttpHeaders = {},
): Promise<RawAnswer> {
  return send(`${url}/git-upload-pack`, { headers: { ...UPLOAD_PACK, ...headers }, body });
}

export interface RawCommand {
  readonly name: string | Uint8Array;
  /** Zero when absent: the ref is made. */
  readonly from?: string;
  /** Zero when absent: the ref is deleted. */
  readonly to?: string;
}

/** Commands with their capabilities, up to the flush before the pack. */
export function pushHead(
  commands: readonly RawCommand[],
  options: { readonly capabilities?: string; readonly pushOptions?: readonly string[] } = {},
): Buffer {
  const zero = zeroId('sha1');
  const { capabilities = 'report-status side-band-64k', pushOptions } = options;
  const lines = commands.map(({ name, from = zero, to = zero }, at) =>
    encodePacket(
      Buffer.concat([
        Buffer.from(`${from} ${to} `),
        Buffer.from(name),
        Buffer.from(at === 0 ? `\0 ${capabilities}` : ''),
      ]),
    ),
  );
  const more =
    pushOptions === undefined ? [] : [...pushOptions.map((option) => encodePacket(option)), flushPacket];
  return Buffer.concat([...lines, flushPacket, ...more]);
}

/** An object to be put into a pack by hand. */
export interface RawObject {
  readonly type: 'commit' | 'tree' | 'blob' | 'tag';
  readonly content: Uint8Array;
}

/** The id git gives an object. */
export function objectId({ type, content }: RawObject, algorithm = 'sha1'): string {
  return createHash(algorithm).update(`${type} ${content.length}\0`).update(content).digest('hex');
}

/** A commit object with a given tree, of a fixed author and date. */
export function commitObject(tree: string, parents: readonly string[] = [], message = 'By hand'): RawObject {
  const who = 'A User <user@example.com> 1700000000 +0000';
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${who}`,
    `committer ${who}`,
  ];
  return { type: 'commit', content: Buffer.from(`${lines.join('\n')}\n\n${message}\n`) };
}

/** A tree object with one file. */
export function treeObject(name: string, blob: string): RawObject {
  return {
    type: 'tree',
    content: Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')]),
  };
}

/** A version 2 pack of whole objects, and of deltas against objects that the pack may lack. */
export function packOf(objects: readonly (RawObject | RawDelta)[]): Buffer {
  const pack = new CraftedPack();
  for (const object of objects) {
    if ('type' in object) pack.whole(object);
    else pack.refDelta(object.base, appendDelta(object.baseLength, object.append));
  }
  return pack.bytes();
}

/** A delta that copies all of its base and appends something. */
export interface RawDelta {
  readonly base: string;
  readonly baseLength: number;
  /** At most 127 bytes. */
  readonly append: Uint8Array;
}

/** A packet as a word for a flush, delimiter or end, or the text it carries. */
export function packetsOf(bytes: Buffer): string[] {
  return framesOf(bytes).map((frame) => (typeof frame === 'string' ? frame : textOf(frame)));
}

function framesOf(bytes: Buffer): (string | Buffer)[] {
  const reader = new PacketReader();
  reader.push(bytes);
  const frames: (string | Buffer)[] = [];
  for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
    frames.push(packet.kind === 'data' ? packet.payload : `(${packet.kind})`);
  }
  if (reader.buffered > 0) throw new Error(`the answer ends with ${reader.buffered} bytes of half a packet`);
  return frames;
}

/** What the bands of a side-band answer carried. Packets before the first band packet are not bands. */
export function bandsOf(bytes: Buffer): {
  readonly data: Buffer;
  readonly progress: string;
  readonly fatal: string;
} {
  const bands: Buffer[][] = [[], [], [], []];
  for (const frame of framesOf(bytes)) {
    if (typeof frame === 'string') continue;
    bands[frame[0] ?? 0]?.push(frame.subarray(1));
  }
  const [, data = [], progress = [], fatal = []] = bands;
  return {
    data: Buffer.concat(data),
    progress: Buffer.concat(progress).toString(),
    fatal: Buffer.concat(fatal).toString(),
  };
}

/** The report of a push that was sent with a side-band. */
export function reportOf(answer: RawAnswer): string[] {
  return packetsOf(bandsOf(answer.body).data).filter((line) => line !== '(flush)');
}

/** An object id that no object has. */
export function absentId(format: 'sha1' | 'sha256' = 'sha1'): string {
  return 'd'.repeat(hexLength(format));
}
