import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { GitRepository } from '../../repository/git/git-repository.ts';

/** The last `info/refs` on a connection. */
interface Shown {
  readonly repository: GitRepository;
  readonly service: string;
  /** True if the object store was asked for it then, and no request has used that observation yet. */
  looked: boolean;
}

/**
 * Remembers the last `info/refs` of each connection. A git command sends `info/refs` and continues on the same connection, so
 * the state observed for the first request is not older than the command.
 *
 * It covers only direct connections. A proxy may send requests of many clients over one connection, and requests of one
 * client over many connections, to several servers.
 */
export class ConnectionMemory {
  private readonly shown = new WeakMap<Socket, Shown>();

  /** Call it for every answered `info/refs`. @param looked whether the store was asked for it */
  remember(incoming: IncomingMessage, repository: GitRepository, service: string, looked: boolean): void {
    if (isDirect(incoming)) this.shown.set(incoming.socket, { repository, service, looked });
  }

  /** True if this process advertised this repository on the connection before this request. */
  wasShown(incoming: IncomingMessage, repository: GitRepository, service: string): boolean {
    return this.find(incoming, repository, service) !== undefined;
  }

  /** True, once, if the store was asked for the `info/refs` right before this request. */
  takeLook(incoming: IncomingMessage, repository: GitRepository, service: string): boolean {
    const shown = this.find(incoming, repository, service);
    const looked = shown?.looked === true;
    if (shown !== undefined) shown.looked = false;
    return looked;
  }

  private find(incoming: IncomingMessage, repository: GitRepository, service: string): Shown | undefined {
    const shown = isDirect(incoming) ? this.shown.get(incoming.socket) : undefined;
    return shown?.repository === repository && shown.service === service ? shown : undefined;
  }
}

function isDirect({ headers }: IncomingMessage): boolean {
  return (
    headers['forwarded'] === undefined &&
    headers['x-forwarded-for'] === undefined &&
    headers['via'] === undefined
  );
}
