import { type FileHandle, open, stat } from 'node:fs/promises';
import {
  type BundleHeader,
  bundleSignatureLength,
  encodePacket,
  encodeSideband,
  encodeV0Advertisement,
  flushPacket,
  isBundle,
  largeSideband,
  parseBundleHeader,
  UploadRequestParser,
} from '../../git/index.ts';
import { messageOf } from '../../lib/errors.ts';
import { formatSize } from '../../lib/format-size.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import type { RequestBody } from '../../outbound/request-body.ts';
import type { TrafficObserver } from '../../outbound/traffic.ts';
import { maxAdvertisementBytes } from './advertisement-body.ts';
import type { Session } from './connection.ts';
import { PacketStream } from './packet-stream.ts';

/** True for the path of a bundle. A path that cannot be read is not one: git reports the error. */
export async function isBundleFile(path: string): Promise<boolean> {
  try {
    // To open anything else, as a named pipe, may take for ever.
    if (!(await stat(path)).isFile()) return false;
    await using file = await open(path, 'r');
    return isBundle(await readAt(file, 0, bundleSignatureLength));
  } catch {
    return false;
  }
}

/** Maximum number of bytes of a request: it has a line for each want and have. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

/**
 * A bundle file that answers like upload-pack in protocol version 0. It has one pack, and sends all of it, whatever is asked for.
 *
 * A bundle may begin where another one ended: then it lacks the commits that the other side must have, and its pack may be thin.
 */
export class BundleSession implements Session {
  /** The file is read anew for each request. */
  readonly stateless = true;
  readonly advertisement: PacketStream;
  private readonly path: string;
  private readonly header: BundleHeader;

  private readonly traffic: TrafficObserver;

  private constructor(path: string, header: BundleHeader, traffic: TrafficObserver) {
    this.path = path;
    this.header = header;
    this.traffic = traffic;
    this.advertisement = new PacketStream(this.received(pieces(advertisementOf(header))));
  }

  /**
   * Reads the header of a bundle.
   * @throws RemoteError `corrupt` or `invalid` if it is not a readable bundle, `unavailable` if the file cannot be read
   */
  static async open(path: string, traffic: TrafficObserver): Promise<BundleSession> {
    traffic.requested();
    return new BundleSession(path, await readHeader(path), traffic);
  }

  async request(body: RequestBody, { signal }: { readonly signal: AbortSignal }): Promise<PacketStream> {
    const { objectFormat: format, prerequisites, refs } = this.header;
    const parser = new UploadRequestParser({ format, limits: { bytes: MAX_REQUEST_BYTES } });
    for await (const chunk of Buffer.isBuffer(body) ? pieces(body) : body) parser.push(chunk);
    parser.finish();
    const { wants, haves } = parser.result;
    const known = new Set(refs.values());
    const unknown = wants.find((oid) => !known.has(oid));
    if (unknown !== undefined) throw new RemoteError('not-found', `the bundle does not list ${unknown}`);
    const [needed] = prerequisites;
    // Whether the haves reach them, only the other side can tell.
    if (needed !== undefined && haves.length === 0) {
      const text = `the bundle begins in the middle of a history: the target must have ${prerequisites.length} of its commits first, for example ${needed}`;
      throw new RemoteError('invalid', text);
    }
    this.traffic.requested();
    return new PacketStream(this.received(this.answer(signal)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.advertisement.close();
  }

  private async *received(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    for await (const chunk of chunks) {
      this.traffic.received(chunk.length);
      yield chunk;
    }
  }

  private async *answer(signal: AbortSignal): AsyncGenerator<Buffer, void> {
    yield encodePacket('NAK\n');
    await using file = await openFile(this.path);
    const start = this.header.length;
    for (let offset = start; ; ) {
      signal.throwIfAborted();
      const chunk = await readAt(file, offset, largeSideband);
      if (offset === start && chunk.toString('latin1', 0, 4) !== 'PACK') {
        throw new RemoteError('corrupt', `${this.path} has no pack behind its header`);
      }
      if (chunk.length === 0) break;
      offset += chunk.length;
      yield* encodeSideband(1, chunk);
    }
    yield flushPacket;
  }
}

function advertisementOf({ objectFormat, refs, otherRefs }: BundleHeader): Buffer {
  const head = refs.get('HEAD');
  const advertisement = encodeV0Advertisement({
    service: 'git-upload-pack',
    version: 0,
    format: objectFormat,
    refs: [...refs].filter(([name]) => name !== 'HEAD'),
    peeled: new Map(),
    head: head === undefined ? undefined : { target: '', oid: head },
    capabilities: `side-band-64k ofs-delta no-progress object-format=${objectFormat}`,
  });
  // The reader of the advertisement says what is wrong with the other names.
  const others = otherRefs.map((line) => encodePacket(line));
  return Buffer.concat([advertisement.subarray(0, -flushPacket.length), ...others, flushPacket]);
}

async function readHeader(path: string): Promise<BundleHeader> {
  await using file = await openFile(path);
  // Twice as much each time: the whole is read at most twice.
  for (let size = 64 * 1024; size <= 2 * maxAdvertisementBytes; size *= 2) {
    const bytes = await readAt(file, 0, size);
    const header = parseBundleHeader(bytes);
    if (header !== undefined) return header;
    if (bytes.length < size) throw new RemoteError('corrupt', `${path} ends within the header of a bundle`);
  }
  throw new RemoteError(
    'too-large',
    `the header of ${path} has more than ${formatSize(maxAdvertisementBytes)}`,
  );
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw new RemoteError(
      'unavailable',
      `the bundle cannot be read: ${messageOf(error)}`,
      {},
      { cause: error },
    );
  }
}

/** Reads bytes of a file; fewer at its end. */
async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function* pieces(...buffers: readonly Buffer[]): AsyncGenerator<Buffer, void> {
  yield* buffers;
}
