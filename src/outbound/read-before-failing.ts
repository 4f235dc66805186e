import type { Socket } from 'node:net';
import { systemCode } from '../lib/errors.ts';

/** Milliseconds within which what was already received is read. */
const PATIENCE_MS = 2_000;

type Done = (error?: Error | null) => void;
type Write = (chunk: unknown, encoding: BufferEncoding, done: Done) => void;
type Writev = (chunks: unknown, done: Done) => void;

/**
 * Makes a socket tell of a failed write only after it has read all that was received.
 *
 * A server that refuses a large body answers and closes the connection. The next write fails, and Node then destroys the socket
 * with the answer unread in it: the caller would see a broken connection instead of the refusal. Only for sockets that are not
 * used again.
 */
export function readBeforeFailing(socket: Socket): void {
  const later = (done: Done): Done => {
    return (error) => {
      if (
        error === undefined ||
        error === null ||
        !isReset(error) ||
        socket.destroyed ||
        socket.readableEnded
      ) {
        done(error);
        return;
      }
      const fail = () => {
        clearTimeout(timer);
        socket.off('end', fail);
        socket.off('close', fail);
        done(error);
      };
      const timer = setTimeout(fail, PATIENCE_MS);
      socket.once('end', fail);
      socket.once('close', fail);
    };
  };
  const write: Write = socket._write.bind(socket);
  socket._write = (chunk: unknown, encoding: BufferEncoding, done: Done) =>
    write(chunk, encoding, later(done));
  const writev: Writev | undefined = socket._writev?.bind(socket) as Writev | undefined;
  if (writev === undefined) return;
  socket._writev = (chunks: unknown, done: Done) => writev(chunks, later(done));
}

function isReset(error: Error): boolean {
  return ['EPIPE', 'ECONNRESET'].includes(systemCode(error) ?? '');
}
