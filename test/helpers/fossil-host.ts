/** Fossil repositories served on loopback by the handlers of production, with logins that a test makes up. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loginSecret, verifyLogin } from '../../src/fossil/login.ts';
import type { FaultSites } from '../../src/fossil-sync/faults.ts';
import { observerOf, type SyncObserver } from '../../src/fossil-sync/observer.ts';
import { CheckInLocks } from '../../src/fossil-sync/server/check-in-locks.ts';
import type { Admission, ExchangeHost } from '../../src/fossil-sync/server/exchange.ts';
import { NO_RIGHTS, type RoundRights } from '../../src/fossil-sync/server/round-context.ts';
import { ROUND_LIMITS, type RoundLimits } from '../../src/fossil-sync/server/round-limits.ts';
import { serveRepository } from '../../src/fossil-sync/server/serve-repository.ts';
import { fossilListener } from '../../src/http/fossil/fossil-handlers.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { FossilRepository } from '../../src/repository/fossil/fossil-repository.ts';
import type { IntakeLimits } from '../../src/repository/fossil/intake-limits.ts';

export const READER: RoundRights = { ...NO_RIGHTS, read: true };
export const WRITER: RoundRights = { read: true, write: true, privateArtifacts: true, unversioned: true };

/** The password of every user of {@link fossilHost}. */
export const PASSWORD = 'sesame';

export interface FossilHostOptions {
  /** Of requests without a login; reading by default. */
  readonly anonymous?: RoundRights;
  /** User → rights. Each has the password {@link PASSWORD}. By default `alice` and `bob` may do everything. */
  readonly users?: Readonly<Record<string, RoundRights>>;
  readonly limits?: Partial<RoundLimits>;
  readonly clock?: Clock;
  readonly observer?: Partial<SyncObserver>;
  readonly faults?: FaultSites;
  readonly intake?: Partial<IntakeLimits>;
  readonly messageBytes?: number;
  readonly locks?: CheckInLocks;
}

/** What answers requests for one repository. */
export function fossilHost(repository: FossilRepository, options: FossilHostOptions = {}): ExchangeHost {
  const { anonymous = READER, users = { alice: WRITER, bob: WRITER }, clock = systemClock } = options;
  return {
    admit: async (login) => {
      const published = await repository.resolve();
      if (published === undefined) throw new Error('there is no repository');
      const { projectCode } = published.manifest;
      const served = serveRepository(repository, await repository.bagOf(published), options.intake);
      const about = { actor: undefined, repository: served, projectCode };
      if (login === undefined) return { ...about, user: undefined, rights: anonymous } satisfies Admission;
      const { user } = login.card;
      const rights = users[user];
      if (rights === undefined) return undefined;
      const secret = loginSecret(projectCode, user, PASSWORD);
      return verifyLogin(login.card, login.bytes, secret) ? { ...about, user, rights } : undefined;
    },
    round: {
      clock,
      limits: { ...ROUND_LIMITS, ...options.limits },
      locks: options.locks ?? new CheckInLocks(),
      cookieKey: Buffer.from('a key for tests alone'),
      serverCode: '5'.repeat(40),
      observer: observerOf(options.observer),
      ...(options.faults === undefined ? {} : { faults: options.faults }),
    },
    messageBytes: options.messageBytes ?? 64 * 2 ** 20,
  };
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
