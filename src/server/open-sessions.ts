/** Composes what browsers sign in with. */
import type { Settings } from '../config/settings.ts';
import { CallerRates } from '../lib/caller-rates.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import { SessionUpkeep } from '../sessions/session-upkeep.ts';
import { Sessions } from '../sessions/sessions.ts';
import { SignIns } from '../sessions/sign-ins.ts';

export interface SessionParts {
  readonly settings: Settings;
  readonly stores: Pick<ObjectStorePair, 'control'>;
  readonly clock: Clock;
  readonly random: Random;
  /** The public base URL, without a trailing slash. */
  readonly base: string;
  /** The secret key of the service, 64 hex characters. */
  readonly serviceKey: string;
}

export interface OpenedSessions {
  /** Absent: signing in is turned off. */
  readonly sessions?: Sessions;
  readonly signIns: SignIns;
  /** Whether an address may sign in or out, or ask for a link, once more now. */
  readonly admit: (caller: string) => boolean;
  readonly upkeep: SessionUpkeep;
}

/** Each sign-in, and each sign-out, writes an object, which strangers can make us do. */
const RATES = {
  each: { perSecond: 1 / 2, burst: 60 },
  all: { perSecond: 10, burst: 200 },
};

export function openSessions(parts: SessionParts): OpenedSessions {
  const { settings, stores, clock, random, base, serviceKey } = parts;
  const context = { control: stores.control, clock, random, base, serviceKey };
  const rates = new CallerRates(RATES, clock);
  const lifetime = settings.sessionLifetime;
  return {
    ...(lifetime === 0 ? {} : { sessions: new Sessions({ ...context, lifetime }) }),
    signIns: new SignIns(context),
    admit: (caller) => rates.take(caller),
    upkeep: new SessionUpkeep(context),
  };
}
