import { type Clock, systemClock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Connection } from './connection.ts';
import { HttpConnection } from './http-connection.ts';
import type { HttpTransport } from './http-transport.ts';
import { LocalConnection } from './local-connection.ts';
import { NodeTransport } from './node-transport.ts';
import type { RemoteAddress } from './remote-address.ts';
import type { WaitingTimes } from './waiting-times.ts';

/** How to reach a remote. Everything has a default that fits the command line. */
export interface ConnectionOptions {
  /** Sent as `User-Agent`. */
  readonly userAgent?: string;
  /** Carries HTTP requests instead of the network. It is not closed with the connection. */
  readonly transport?: HttpTransport;
  readonly waitingTimes?: Partial<WaitingTimes>;
  /** The git to run for local repositories; a name is looked up in PATH. */
  readonly git?: string;
  /** The environment for `git` and `ssh`: that of the process if absent. */
  readonly environment?: Readonly<NodeJS.ProcessEnv>;
  /** Is told each line that `ssh` or a local git writes on standard error, without control characters. */
  readonly onMessage?: (line: string) => void;
  readonly clock?: Clock;
}

/**
 * A connection to a repository. Nothing is sent before {@link Connection.open}.
 * @throws CairnError `invalid` when the address cannot be reached in this way
 */
export function openConnection(address: RemoteAddress, options: ConnectionOptions = {}): Connection {
  const { clock = systemClock, environment = process.env, onMessage = () => undefined } = options;
  switch (address.kind) {
    case 'http': {
      const { transport = new NodeTransport({ clock, ...options }), userAgent = 'git/cairn' } = options;
      return new HttpConnection({
        address,
        transport,
        ownsTransport: options.transport === undefined,
        userAgent,
      });
    }
    case 'ssh':
      throw new CairnError('invalid', 'SSH is not supported yet');
    case 'local':
      return new LocalConnection({ address, git: options.git ?? 'git', environment, onMessage });
  }
}
