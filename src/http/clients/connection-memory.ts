import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { GitRepository } from '../../repository/git/git-repository.ts';

/** What the last `info/refs` on a connection was about. */
interface Shown {
  readonly repository: GitRepository;
  readonly service: string;
  /** True when the object store was asked for it just then, and nothing has been built on that look yet. */
  looked: boolean;
}

/**
 * Remembers for each connection which repository its client was shown last: a git command asks for `info/refs` and
 * goes on over the same connection, so what was seen for the first request is no older than the command itself.
 *
 * Only of clients that are connected directly. A proxy may send the requests of many over one connection, and those of
 * one over many, to several servers.
 */
export class ConnectionMemory {
  private readonly shown = new WeakMap<Socket, Shown>();

  /** To be called for every `info/refs` answered. @param looked whether the store was asked for it */
  remember(incoming: IncomingMessage, repository: GitRepository, service: string, looked: boolean): void {
    if (isDirect(incoming)) this.shown.set(incoming.socket, { repository, service, looked });
  }

  /** True when this client was shown this repository, by this process, before it sent this request. */
  wasShown(incoming: IncomingMessage, repository: GitRepository, service: string): boolean {
    return this.find(incoming, repository, service) !== undefined;
  }

  /** True, once, when the store was asked for what this client was shown right before this request. */
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
