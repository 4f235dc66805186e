import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { listenError } from './listen-error.ts';

/** The server for operators: health with reasons, and metrics. Plain HTTP, for an address that is not public. */
export class AdminServer implements AsyncDisposable {
  /** Its URL, for example `http://127.0.0.1:9090`. */
  readonly url: string;
  private readonly server: Server;

  private constructor(server: Server, url: string) {
    this.server = server;
    this.url = url;
  }

  /**
   * Starts listening, and answers at once.
   * @param at port 0 picks a free one
   * @throws CairnError `unavailable` if the address is taken, or is not one of this machine
   */
  static async listen(
    at: { readonly host: string; readonly port: number },
    routes: Hono,
  ): Promise<AdminServer> {
    const { host, port } = at;
    // HTTP/1.0 allows a request without a `Host` header, and hono needs a host for its URL.
    const listener = getRequestListener(routes.fetch, { hostname: 'localhost' });
    const server = createServer((incoming, response) => {
      listener(incoming, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(listenError(error, host, port, '--admin-listen'));
      });
      server.listen(port, host, resolve);
    });
    const { address, family, port: taken } = server.address() as AddressInfo;
    return new AdminServer(server, `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}
