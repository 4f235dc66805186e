import type { ServerResponse } from 'node:http';
import type { ContentType } from '../../fossil/framing.ts';
import { sizeOf } from '../../fossil-sync/server/answer-round.ts';
import type { ChunkedReply } from '../../fossil-sync/server/exchange.ts';
import { CairnError } from '../../lib/errors.ts';
import { FileBytes } from '../../lib/file-bytes.ts';
import type { BodyPace } from './fossil-body.ts';

/** Bytes of one write from a file, so that the pace of the client is known. */
const PIECE = 64 * 1024;

/** The headers of a reply, without its length. */
export function fossilHeaders(type: ContentType): Record<string, string> {
  return { 'content-type': type, 'cache-control': 'no-store' };
}

/**
 * Writes a reply with its length, and releases it when the system has all of it. Its files are closed, whatever happens.
 * @param pace at which the client has to take what comes from files; absent: it may take as long as it likes
 * @throws CairnError `unavailable` if the client goes away before it has what comes from files
 */
export async function writeFossilReply(
  outgoing: ServerResponse,
  { type, chunks, release, close }: ChunkedReply,
  pace?: BodyPace,
): Promise<void> {
  try {
    if (release !== undefined) releaseWhenSent(outgoing, release);
    outgoing.writeHead(200, { ...fossilHeaders(type), 'content-length': sizeOf(chunks) });
    for (const chunk of chunks) {
      if (chunk instanceof FileBytes) await writeFile(outgoing, chunk, pace);
      else outgoing.write(chunk);
    }
    outgoing.end();
  } finally {
    await close?.();
  }
}

/** The memory of a reply to a client that has gone is garbage: a write may still read from it. */
function releaseWhenSent(outgoing: ServerResponse, release: () => void): void {
  const { socket } = outgoing;
  // It comes after failed writes, too. Before the other listeners: one of them closes the connection.
  outgoing.prependOnceListener('finish', () => {
    if (socket !== null && !socket.destroyed) release();
  });
}

async function writeFile(
  outgoing: ServerResponse,
  chunk: FileBytes,
  pace: BodyPace | undefined,
): Promise<void> {
  let handed = 0;
  const moved = () => handed - outgoing.writableLength;
  await chunk.inPieces(async (large) => {
    for (let at = 0; at < large.length; at += PIECE) {
      const piece = large.subarray(at, at + PIECE);
      handed += piece.length;
      const step = written(outgoing, piece);
      await (pace === undefined ? step : pace.during(step, moved));
    }
  });
}

/** Writes a piece whose memory serves again afterwards: waits until the system has it. */
function written(outgoing: ServerResponse, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new CairnError('unavailable', 'the client has gone'));
    if (outgoing.destroyed) return gone();
    outgoing.once('close', gone);
    outgoing.write(piece, (error) => {
      outgoing.off('close', gone);
      if (error === undefined || error === null) resolve();
      else gone();
    });
  });
}
