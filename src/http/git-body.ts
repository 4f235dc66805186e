import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CairnError, messageOf } from '../lib/errors.ts';
import type { Pace } from '../lib/pace.ts';

export interface BodyLimits {
  /** How fast the client has to send. */
  readonly pace: Pace;
  /** Decoded bytes; a small compressed body may hide a very large one. */
  readonly bytes: number;
  /** Called before anything is read. */
  readonly onRead?: () => void;
}

/**
 * The decoded body of a git request, chunk by chunk, at the pace it is read. git compresses bodies above 1 KiB.
 *
 * @throws CairnError `invalid` for an unknown or broken encoding, and for a client that broke off or was too slow;
 *   `too-large` beyond the limit
 */
export async function* readBody(
  request: IncomingMessage,
  limits: BodyLimits,
): AsyncGenerator<Buffer, void, undefined> {
  const source = decode(request);
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
      yield chunk;
    }
  } catch (error) {
    if (error instanceof CairnError) throw error;
    throw new CairnError('invalid', `the request body cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function decode(request: IncomingMessage): Readable {
  // Content codings are case-insensitive (RFC 9110, section 8.4.1).
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return request;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new CairnError('invalid', `content encoding ${encoding} is not supported, send gzip or none`);
  }
  const gunzip = createGunzip();
  request.on('error', (error) => gunzip.destroy(error));
  request.on('close', () => {
    if (!request.complete) gunzip.destroy(new Error('the client has gone'));
  });
  return request.pipe(gunzip);
}
