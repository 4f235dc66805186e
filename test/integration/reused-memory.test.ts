import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get as getPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, get as getSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { GitOutput } from '../../src/http/git/git-output.ts';
import { Pace } from '../../src/lib/pace.ts';
import { CERTIFICATE, KEY } from '../helpers/certificate.ts';

const CHUNK = 256 * 1024;
const CHUNKS = 64;

/** Writes chunks from the same memory, which is spoiled as soon as it is said to be free. */
async function answer(response: ServerResponse): Promise<void> {
  const pace = new Pace(
    { bytesPerSecond: 1, patience: 60_000 },
    () => response.destroy(),
    () => performance.now(),
  );
  const output = new GitOutput(response, 'application/x-git-upload-pack-result', pace);
  const memory = Buffer.alloc(CHUNK);
  for (let at = 0; at < CHUNKS; at++) {
    // Some chunks are small enough to wait in the server without anybody being told to.
    const chunk = memory.subarray(0, at % 3 === 0 ? 4_000 : CHUNK);
    chunk.fill(at);
    if (!(await output.write(chunk)) || !(await output.taken())) return;
    memory.fill(0xff);
  }
  output.end();
}

function expected(): string {
  const hash = createHash('sha256');
  for (let at = 0; at < CHUNKS; at++) hash.update(Buffer.alloc(at % 3 === 0 ? 4_000 : CHUNK, at));
  return hash.digest('hex');
}

it.each(['http', 'https'] as const)(
  'a slow client gets each byte of an answer from reused memory, over %s',
  async (scheme) => {
    const listener = (_: IncomingMessage, response: ServerResponse) => void answer(response);
    const server =
      scheme === 'http' ? createServer(listener) : createTlsServer({ cert: CERTIFICATE, key: KEY }, listener);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const url = `${scheme}://127.0.0.1:${port}/`;
      const asked = scheme === 'http' ? getPlain(url) : getSecure(url, { ca: CERTIFICATE });
      const [incoming] = (await once(asked, 'response')) as [IncomingMessage];
      const hash = createHash('sha256');
      let chunks = 0;
      for await (const chunk of incoming) {
        hash.update(chunk as Buffer);
        // The server finds the system's buffer full again and again.
        if (++chunks % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      expect(hash.digest('hex')).toBe(expected());
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
);
