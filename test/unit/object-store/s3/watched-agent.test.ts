import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type WatchedAgents, watchedAgents } from '../../../../src/object-store/s3/watched-agent.ts';

const LIMITS = { sockets: 8, connect: 1_000, noProgress: 10_000 };

/** A server that answers at once, knows its connections, and announces no time limit of its own. */
async function startServer() {
  const connections = new Set<Socket>();
  const server = createServer((_, response) => {
    response.setHeader('connection', 'keep-alive');
    response.end('ok');
  });
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { port: (server.address() as AddressInfo).port, connections, [Symbol.asyncDispose]: close };
}

async function ask(agents: WatchedAgents, port: number): Promise<void> {
  agents.dropIdle();
  const request = get({ port, host: '127.0.0.1', agent: agents.http });
  request.on('error', () => undefined);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  await sleep(10);
}

describe('watched connections', () => {
  it('are reused while they are fresh, and closed after a long idle time', async () => {
    await using server = await startServer();
    const agents = watchedAgents(LIMITS);
    await ask(agents, server.port);
    const [first] = server.connections;
    await ask(agents, server.port);
    expect([...server.connections]).toEqual([first]);
    await sleep(3_300);
    await ask(agents, server.port);
    expect(server.connections.has(first as Socket)).toBe(false);
    agents.http.destroy();
  });

  it('are all closed if one of them is found dead', async () => {
    await using server = await startServer();
    const agents = watchedAgents(LIMITS);
    await Promise.all([1, 2, 3, 4].map(() => ask(agents, server.port)));
    expect(server.connections.size).toBe(4);
    // As when the close of every one of them is still on its way: the next bytes on any are answered with a reset.
    for (const socket of server.connections)
      socket.removeAllListeners('data').on('data', () => socket.resetAndDestroy());
    await expect(ask(agents, server.port)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await ask(agents, server.port);
    agents.http.destroy();
  });
});
