/** HTTP servers that do what a test says: answer wrongly, too early, or not at all. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';

export interface ScriptedServer extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Method and path of each request, in order. */
  readonly requests: readonly string[];
  readonly headers: readonly IncomingMessage['headers'][];
  /** Connections that were made. */
  readonly connections: () => number;
}

/** @param script answers each request */
export async function startScriptedServer(
  script: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
): Promise<ScriptedServer> {
  const requests: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    headers.push(request.headers);
    void script(request, response);
  });
  // Far longer than any client keeps an idle connection.
  server.keepAliveTimeout = 120_000;
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    headers,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A server that only sees bytes. @param onConnection is called for each connection */
export async function startRawServer(
  onConnection: (socket: Socket) => void,
): Promise<{ readonly url: string; readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers with an advertisement without refs, as of a repository that has none. */
export function advertiseNothing(response: ServerResponse, service: string): void {
  const line = `# service=${service}\n`;
  const header = `${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`;
  const caps = `${'0'.repeat(40)} capabilities^{}\0report-status delete-refs side-band-64k`;
  const refs = `${(caps.length + 5).toString(16).padStart(4, '0')}${caps}\n0000`;
  response.writeHead(200, { 'Content-Type': `application/x-${service}-advertisement` });
  response.end(header + refs);
}
