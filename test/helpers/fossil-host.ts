/** Fossil repositories served on loopback by the handlers of production, with logins that a test makes up. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExchangeHost } from '../../src/fossil-sync/server/exchange.ts';
import { type ProjectHostOptions, projectHost } from '../../src/fossil-sync/server/project-host.ts';
import { NO_RIGHTS, type RoundRights } from '../../src/fossil-sync/server/round-context.ts';
import { fossilListener } from '../../src/http/fossil/fossil-handlers.ts';
import type { FossilRepository } from '../../src/repository/fossil/fossil-repository.ts';

export const READER: RoundRights = { ...NO_RIGHTS, read: true };
export const WRITER: RoundRights = { read: true, write: true, privateArtifacts: true, unversioned: true };

/** The password of every user of {@link fossilHost}. */
export const PASSWORD = 'sesame';

export interface FossilHostOptions extends Omit<ProjectHostOptions, 'user'> {
  /** User → rights. Each has the password {@link PASSWORD}. By default `alice` and `bob` may do everything. */
  readonly users?: Readonly<Record<string, RoundRights>>;
}

/** What answers requests for one repository, which everybody may read by default. */
export function fossilHost(
  repository: FossilRepository,
  { users = { alice: WRITER, bob: WRITER }, ...options }: FossilHostOptions = {},
): ExchangeHost {
  return projectHost(repository, {
    anonymous: READER,
    cookieKey: Buffer.from('a key for tests alone'),
    serverCode: '5'.repeat(40),
    messageBytes: 64 * 2 ** 20,
    ...options,
    user: (name) => {
      const rights = users[name];
      return rights === undefined ? undefined : { password: PASSWORD, rights };
    },
  });
}

/** A listening server. */
export interface FossilListening extends AsyncDisposable {
  /** Without a login. */
  readonly url: string;
  /** With the login of a user. */
  urlOf(user: string): string;
}

/** Serves a repository on loopback; requests go to the hosts in turn, as behind a load balancer. */
export async function listenFossil(...hosts: readonly ExchangeHost[]): Promise<FossilListening> {
  const listeners = hosts.map(fossilListener);
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    void listeners[turn++ % listeners.length]?.(incoming, outgoing);
  });
  // A machine that is busy with other tests may come back to an idle connection late.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    urlOf: (user) => `http://${user}:${PASSWORD}@127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
