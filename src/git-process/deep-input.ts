/**
 * A standard input that holds megabytes: a TCP connection of this process with itself, whose other end a process reads from.
 *
 * A pipe of Node.js is a UNIX socket of some 200 KiB, and Linux says that more can be written only when three quarters of it have been
 * read. git reads the rest in less than a millisecond. On a busy machine the server does not get a processor that soon, and git has to wait for it.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface DeepInput {
  /** What is written here can be read at the other end. */
  readonly near: Socket;
  /** To be given to one process, and destroyed then: the process has a copy. */
  readonly far: Socket;
}

const HOST = '127.0.0.1';
/** Milliseconds that the system may take: where it lets nobody connect, each large pack waits so long. */
const PATIENCE_MS = 200;
/** Connections that are looked at. All but one are of others: for a moment, whoever is on this machine may connect. */
const MOST_CALLERS = 16;

/** @returns undefined where the system does not allow it: the caller uses a pipe */
export function openDeepInput(): Promise<DeepInput | undefined> {
  return new Promise((resolve) => {
    const server = createServer({ pauseOnConnect: true });
    server.maxConnections = MOST_CALLERS;
    const callers: Socket[] = [];
    let near: Socket | undefined;
    const settle = (input: DeepInput | undefined) => {
      clearTimeout(timer);
      near?.off('close', fail);
      server.close();
      for (const caller of callers) if (caller !== input?.far) caller.destroy();
      if (input === undefined) near?.destroy();
      resolve(input);
    };
    const fail = () => settle(undefined);
    const timer = setTimeout(fail, PATIENCE_MS);
    const match = () => {
      if (near === undefined || near.connecting) return;
      const { localAddress, localPort } = near;
      const far = callers.find((caller) => isFrom(caller, localAddress, localPort));
      if (far !== undefined) settle({ near, far });
    };
    server.once('error', fail);
    server.on('connection', (caller) => {
      caller.on('error', () => undefined);
      callers.push(caller);
      match();
    });
    server.listen({ host: HOST, port: 0 }, () => {
      near = connect({ host: HOST, port: (server.address() as AddressInfo).port }, match);
      // Whoever gets it adds a listener of its own.
      near.once('error', () => undefined);
      near.once('close', fail);
    });
  });
}

function isFrom(caller: Socket, address: string | undefined, port: number | undefined): boolean {
  return port !== undefined && caller.remotePort === port && caller.remoteAddress === address;
}
