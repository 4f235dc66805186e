import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import { RequestRefusal } from '../../git/index.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import type { Pace } from '../../lib/pace.ts';

export interface BodyLimits {
  /** Minimum pace of the client. */
  readonly pace: Pace;
  /** Maximum decoded bytes: a small compressed body may decode to a very large one. */
  readonly bytes: number;
  /** Maximum decoded bytes for each received byte, after the first MiB: honest clients are far below. */
  readonly expansion?: number;
  /** Is called before anything is read. */
  readonly onRead?: () => void;
}

/** Decoded bytes above which the expansion is checked. */
const EXPANDS_FREELY = 1024 * 1024;

/**
 * The decoded body of a git request, chunk by chunk as it is read. git compresses bodies above 1 KiB.
 *
 * @throws CairnError `invalid` for an unknown or broken encoding, and for a client that disconnected or was too slow;
 *   `too-large` beyond the limit; RequestRefusal if it expands too much, once the client has sent the rest
 */
export async function* readBody(
  request: IncomingMessage,
  limits: BodyLimits,
): AsyncGenerator<Buffer, void, undefined> {
  const gunzip = decode(request);
  const source: Readable = gunzip ?? request;
  limits.onRead?.();
  const chunks = source[Symbol.asyncIterator]();
  let size = 0;
  try {
    for (;;) {
      const step = await limits.pace.during(chunks.next(), () => request.socket.bytesRead);
      if (step.done) return;
      const chunk = step.value as Buffer;
      size += chunk.length;
      if (size > limits.bytes)
        throw new CairnError('too-large', `the request has more than ${limits.bytes} bytes`);
      if (gunzip !== undefined && expandsTooMuch(size, gunzip, limits)) {
        request.unpipe(gunzip);
        gunzip.destroy();
        await drop(request, limits);
        throw new RequestRefusal(
          `the compressed request has more than ${limits.expansion} times its size of content: send it without compression`,
        );
      }
      yield chunk;
    }
  } catch (error) {
    if (error instanceof CairnError) throw error;
    throw new CairnError('invalid', `the request body cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** True if a compressed body expands more than an honest one can. */
function expandsTooMuch(size: number, gunzip: Gunzip, { expansion }: BodyLimits): boolean {
  return expansion !== undefined && size > EXPANDS_FREELY && size > gunzip.bytesWritten * expansion;
}

/** Reads the rest of a body without decoding it, so that the client reads the response. */
async function drop(request: IncomingMessage, { pace, bytes }: BodyLimits): Promise<void> {
  const chunks = request[Symbol.asyncIterator]();
  for (let dropped = 0; dropped <= bytes; ) {
    const step = await pace.during(chunks.next(), () => request.socket.bytesRead);
    if (step.done) return;
    dropped += (step.value as Buffer).length;
  }
  throw new CairnError('too-large', `the request has more than ${bytes} bytes`);
}

/** The decoder of the body; undefined if it is not encoded. */
function decode(request: IncomingMessage): Gunzip | undefined {
  // Content codings are case-insensitive (RFC 9110, section 8.4.1).
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return undefined;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new CairnError('invalid', `content encoding ${encoding} is not supported, send gzip or none`);
  }
  const gunzip = createGunzip();
  request.on('error', (error) => gunzip.destroy(error));
  request.on('close', () => {
    if (!request.complete) gunzip.destroy(new Error('the client has gone'));
  });
  request.pipe(gunzip);
  return gunzip;
}
