/** Sockets without a client's library, whose connection the other side may cut at any moment. */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/**
 * Resolves when a connection is closed, whatever error comes first: who is cut off while sending may see a reset, or may not.
 * `once(socket, 'close')` rejects then. Listens from the call on, so call it before the connection can end.
 */
export function closed(connection: EventEmitter): Promise<void> {
  connection.on('error', () => undefined);
  return new Promise((resolve) => connection.once('close', () => resolve()));
}

/** Sends bytes as they are, and returns everything that comes back until the connection is closed. */
export async function speak(socket: Socket, bytes: string | Uint8Array): Promise<Buffer> {
  const end = closed(socket);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(bytes);
  await end;
  return Buffer.concat(chunks);
}
