import { hasNonce, isSignedWith, loginSecret } from '../../fossil/login.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { systemRandom } from '../../lib/random.ts';
import { derivedProjectCode } from '../../repository/fossil/create-fossil.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import type { IntakeLimits } from '../../repository/fossil/intake-limits.ts';
import type { FaultSites } from '../faults.ts';
import { observerOf, type SyncObserver } from '../observer.ts';
import type { Tables } from '../table-sync/table-exchange.ts';
import type { Admission, ExchangeHost, SentLogin } from './exchange.ts';
import { NO_RIGHTS, type RoundRights } from './round-context.ts';
import { ROUND_LIMITS, type RoundLimits } from './round-limits.ts';
import { RECALLED_MS, serveRecalled, serveRepository } from './serve-repository.ts';
import type { StateSource } from './served-repository.ts';

/** Bytes of the largest request, uncompressed, unless the program says otherwise. */
const MESSAGE_BYTES = 128 * 2 ** 20;

/** Somebody who may log in to a project. */
export interface ProjectUser {
  readonly password: string;
  readonly rights: RoundRights;
}

/** How a program serves one project. */
export interface ProjectHostOptions {
  /** Finds who has a name; absent: nobody can log in. */
  readonly user?: (name: string) => ProjectUser | undefined | Promise<ProjectUser | undefined>;
  /** Rights of requests without a login; none if absent. */
  readonly anonymous?: RoundRights;
  /** Tables that peers may exchange with this server; absent: the extension is off, and its cards are unknown. */
  readonly tables?: Tables;
  /** Signs the cookies of clones: the same for all servers of a project. Absent: one of this process, so clones stay with it. */
  readonly cookieKey?: Uint8Array;
  /** 40 hex digits that name the server to clients, which only show them; random if absent. */
  readonly serverCode?: string;
  readonly limits?: Partial<RoundLimits>;
  readonly intake?: Partial<IntakeLimits>;
  /** Bytes of the largest request, uncompressed; 128 MiB if absent. */
  readonly messageBytes?: number;
  readonly observer?: Partial<SyncObserver>;
  readonly clock?: Clock;
  /** Faults for tests. */
  readonly faults?: FaultSites;
}

/**
 * What answers requests for one project whose users the program knows. A sender who may not read is still told the project code,
 * as by stock Fossil: a client signs with it.
 */
export function projectHost(repository: FossilRepository, options: ProjectHostOptions = {}): ExchangeHost {
  const { clock = systemClock, observer, limits, faults, tables } = options;
  return {
    admit: (login, _message, from) => admit(repository, login, options, from),
    round: {
      clock,
      limits: { ...ROUND_LIMITS, ...limits },
      cookieKey: options.cookieKey ?? Buffer.from(systemRandom.hex(32), 'hex'),
      serverCode: options.serverCode ?? systemRandom.hex(20),
      observer: observerOf(observer),
      ...(faults === undefined ? {} : { faults }),
      ...(tables === undefined ? {} : { tables }),
    },
    messageBytes: options.messageBytes ?? MESSAGE_BYTES,
    scratch: repository.bags.context.scratch,
  };
}

async function admit(
  repository: FossilRepository,
  login: SentLogin | undefined,
  { user: find, anonymous = NO_RIGHTS, intake }: ProjectHostOptions,
  from: StateSource = 'store',
): Promise<Admission | undefined> {
  const recalled = from === 'memory' ? await repository.recall(RECALLED_MS) : undefined;
  if (from === 'memory' && recalled === undefined) return undefined;
  const published = recalled ?? (await repository.resolveOwnKind());
  const isThere = published !== undefined && published.manifest.lifecycle !== 'withdrawn';
  const projectCode = isThere ? published.manifest.projectCode : derivedProjectCode(repository.id);
  const who = { user: login?.card.user, actor: undefined, projectCode };
  const rights = login === undefined ? anonymous : await rightsOf(login, projectCode, find);
  if (rights === undefined) return undefined;
  if (!isThere || !rights.read) return { ...who, rights: NO_RIGHTS, repository: undefined };
  return {
    ...who,
    rights,
    repository:
      recalled === undefined
        ? serveRepository(repository, await repository.bagOf(published), intake)
        : await serveRecalled(repository, recalled, intake),
  };
}

/** @returns undefined if the login is wrong */
async function rightsOf(
  { card, bytes }: SentLogin,
  projectCode: string,
  find: ProjectHostOptions['user'],
): Promise<RoundRights | undefined> {
  const known = await find?.(card.user);
  // A name that nobody has takes as long as a wrong password.
  const secret = loginSecret(projectCode, card.user, known?.password ?? systemRandom.hex(16));
  const isOfMessage = await hasNonce(card, bytes);
  return isOfMessage && isSignedWith(card, secret) ? known?.rights : undefined;
}
