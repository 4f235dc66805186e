import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { hkdfSha256 } from '../../lib/hkdf.ts';
import type { FossilState } from '../../repository/fossil/fossil-manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { fossilUser } from './fossil-user.ts';

/** Seconds of a period. A password belongs to the one in which it was made. */
export const PERIOD_SECONDS = 30 * 24 * 60 * 60;
/** Periods in which a password is accepted, the one in which it was made included: it lasts for 60 to 90 days. */
export const PERIODS_ACCEPTED = 3;
/** Expired passwords that are recognized, in periods, so that people are told that theirs has expired. */
const PERIODS_RECOGNIZED = 12;

const SALT = 'cairn fossil passwords v1';
/** 128 bits in hex. Not 40 digits: stock clients take those for the secret that they derive from a password. */
const PASSWORD_DIGITS = 32;

/** The project that a password is for. */
export interface PasswordScope {
  readonly id: RepositoryId;
  /** A repository that was made anew has another one. */
  readonly incarnation: string;
  /** Another number makes other passwords: it revokes those before. */
  readonly passwordSeries: number;
  /** By key: added to the number for that key, so that it revokes the passwords of one key. */
  readonly keySeries?: Readonly<Record<string, number>>;
}

/** What a published state says of the passwords of its repository. */
export function passwordScope(
  id: RepositoryId,
  {
    incarnation,
    passwordSeries,
    keySeries,
  }: Pick<FossilState, 'incarnation' | 'passwordSeries' | 'keySeries'>,
): PasswordScope {
  return { id, incarnation, passwordSeries, ...(keySeries === undefined ? {} : { keySeries }) };
}

export interface IssuedPassword {
  readonly user: string;
  readonly password: string;
  /** Seconds since 1970: from then on it is refused. */
  readonly expires: number;
}

/** `expired` and `revoked` passwords were right once. */
export type PasswordVerdict = 'valid' | 'expired' | 'revoked' | 'wrong';

/**
 * Passwords for the stock Fossil client, which can prove nothing else. Each is derived from the key of the service, so nothing
 * is stored, and every server of the service accepts it. It is for one key and one repository.
 */
export class ProjectPasswords {
  private readonly secret: Buffer;

  /** @param serviceKey the secret key of the service, 64 hex characters */
  constructor(serviceKey: string) {
    this.secret = hkdfSha256(Buffer.from(serviceKey, 'hex'), SALT, Buffer.alloc(0), 32);
  }

  /** The password of a key. In one period it is the same each time. @param now seconds since 1970 */
  issue(scope: PasswordScope, publicKey: string, now: number): IssuedPassword {
    const period = periodOf(now);
    return {
      user: fossilUser(publicKey),
      password: this.derive(scope, publicKey, period, seriesOf(scope, publicKey)),
      expires: (period + PERIODS_ACCEPTED) * PERIOD_SECONDS,
    };
  }

  /**
   * Judges what somebody presents as a key's password.
   * @param matches whether a password is the one that was presented. Called for every password that could be meant, in a
   *   time that does not depend on which one it is
   * @param now seconds since 1970
   */
  judge(
    scope: PasswordScope,
    publicKey: string,
    matches: (password: string) => boolean,
    now: number,
  ): PasswordVerdict {
    const period = periodOf(now);
    const isOne = (series: number, first: number, count: number) => {
      let found = false;
      for (let back = first; back < first + count && back <= period; back++) {
        const password = this.derive(scope, publicKey, period - back, series);
        found = matches(password) || found;
      }
      return found;
    };
    const series = seriesOf(scope, publicKey);
    if (isOne(series, 0, PERIODS_ACCEPTED)) return 'valid';
    if (isOne(series, PERIODS_ACCEPTED, PERIODS_RECOGNIZED)) return 'expired';
    if (series > 0 && isOne(series - 1, 0, PERIODS_ACCEPTED)) return 'revoked';
    return 'wrong';
  }

  private derive(
    { id, incarnation }: PasswordScope,
    key: string,
    period: number,
    passwordSeries: number,
  ): string {
    const { owner, identifier } = id;
    const about = canonicalJson({ owner, identifier, incarnation, passwordSeries, key, period });
    return createHmac('sha256', this.secret).update(about).digest('hex').slice(0, PASSWORD_DIGITS);
  }
}

/** The number in the passwords of a key. It only grows, so no password becomes valid again. */
function seriesOf({ passwordSeries, keySeries }: PasswordScope, key: string): number {
  return passwordSeries + (keySeries?.[key] ?? 0);
}

/** Whether two passwords are the same, in a time that does not tell where they differ. */
export function isSamePassword(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function periodOf(now: number): number {
  return Math.floor(now / PERIOD_SECONDS);
}
