import { type Clock, systemClock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import type { AddressGuard } from '../../outbound/address-guard.ts';
import type { Credentials } from '../../outbound/credentials.ts';
import { HttpClient } from '../../outbound/http-client.ts';
import type { TraceSink } from '../../outbound/http-trace.ts';
import type { HttpTransport } from '../../outbound/http-transport.ts';
import { NodeTransport } from '../../outbound/node-transport.ts';
import { Secrets } from '../../outbound/secrets.ts';
import { type TrafficObserver, uncounted } from '../../outbound/traffic.ts';
import { WAITING_TIMES, type WaitingTimes } from '../../outbound/waiting-times.ts';
import type { Connection } from './connection.ts';
import type { CredentialHelper } from './credential-helper.ts';
import { HttpAuthorizer } from './http-authorizer.ts';
import { HttpConnection } from './http-connection.ts';
import { LocalConnection } from './local-connection.ts';
import type { RemoteAddress } from './remote-address.ts';
import { SshConnection } from './ssh-connection.ts';

/** How to reach a remote. The defaults are those of a person who uses git, but no helper is asked for credentials. */
export interface ConnectionOptions {
  /** For HTTP: sent to the host of the address only. They win over a password in the address. */
  readonly credentials?: Credentials;
  /** For HTTP: asked when a server wants credentials and none were given. */
  readonly helper?: CredentialHelper;
  /** For HTTP: whether the request for the advertisement may be redirected to other hosts; false if absent. */
  readonly followRedirects?: boolean;
  /**
   * Decides which addresses are connected to. With a guard, repositories on this machine are refused, too. It does not reach
   * into a transport that was given.
   */
  readonly guard?: AddressGuard;
  /** For HTTPS: true to accept any certificate. */
  readonly insecureTls?: boolean;
  /** Sent as `User-Agent`. */
  readonly userAgent?: string;
  /** Carries HTTP requests instead of the network. It is not closed with the connection. */
  readonly transport?: HttpTransport;
  readonly waitingTimes?: Partial<WaitingTimes>;
  /** Takes the trace of HTTP requests, line by line. */
  readonly trace?: TraceSink;
  readonly traffic?: TrafficObserver;
  /** The git to run for local repositories; a name is looked up in PATH. */
  readonly git?: string;
  /** The environment for `git` and `ssh`: that of the process if absent. */
  readonly environment?: Readonly<NodeJS.ProcessEnv>;
  /** For SSH: whether there is a terminal on which `ssh` may ask for passwords; false if absent. */
  readonly terminal?: boolean;
  /** Is told each line that `ssh` or a local git writes on standard error, without control characters. */
  readonly onMessage?: (line: string) => void;
  readonly clock?: Clock;
}

/**
 * A connection to a repository. Nothing is sent before {@link Connection.open}.
 * @throws CairnError `invalid` or `forbidden` when the address cannot be reached in this way
 */
export function openConnection(address: RemoteAddress, options: ConnectionOptions = {}): Connection {
  const {
    git = 'git',
    environment = process.env,
    onMessage = () => undefined,
    traffic = uncounted,
  } = options;
  const waitingTimes = { ...WAITING_TIMES, ...options.waitingTimes };
  const common = { git, environment, onMessage, traffic, waitingTimes };
  const { guard, terminal = false } = options;
  switch (address.kind) {
    case 'http':
      return openHttp(address, options);
    case 'ssh':
      return new SshConnection({ ...common, address, guard, terminal });
    case 'local':
      if (guard === undefined) return new LocalConnection({ ...common, address });
      throw new CairnError('forbidden', 'this server does not mirror repositories in its own folders');
  }
}

function openHttp(
  address: RemoteAddress & { readonly kind: 'http' },
  options: ConnectionOptions,
): Connection {
  const { clock = systemClock, userAgent = 'git/cairn', insecureTls = false, traffic = uncounted } = options;
  const secrets = new Secrets();
  const { trace, credentials, helper } = options;
  const own = {
    ...options,
    clock,
    ...(trace === undefined ? {} : { trace: (line: string) => trace(secrets.redact(line)) }),
    onConnected: () => traffic.connected(),
  };
  const transport = options.transport ?? new NodeTransport(own);
  return new HttpConnection({
    address,
    client: new HttpClient({ transport, userAgent, secrets, traffic }),
    authorizer: new HttpAuthorizer({
      address: address.url,
      credentials,
      helper,
      insecureTls,
      clock,
      secrets,
    }),
    followRedirects: options.followRedirects ?? false,
    close: async () => {
      if (options.transport === undefined) await transport[Symbol.asyncDispose]();
    },
  });
}
