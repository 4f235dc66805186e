import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { isDigest } from '../lib/digest.ts';
import type { Random } from '../lib/random.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { readRecord, updateRecord } from '../repository/records/shared-record.ts';
import { MOST_ENDED, signOutRecord } from '../repository/records/sign-out-record.ts';
import { SignedTexts } from './signed-texts.ts';

/** Longest time that a session can be set to last, in seconds. Sessions are revoked by the period of this length in which they began. */
export const LONGEST_SESSION = 7 * 24 * 60 * 60;
/** How far apart the clocks of servers may be, in seconds. */
const CLOCK_SKEW = 10 * 60;

/** A browser that has proven a key. */
export interface Session {
  /** Public key in hex. */
  readonly key: string;
  /** 32 random hex characters. */
  readonly id: string;
  /** Of the record of ended sessions, when this one began. */
  readonly epoch: string;
  /** Seconds since 1970. */
  readonly began: number;
  /** Seconds since 1970: from then on it is over. */
  readonly expires: number;
}

export interface SessionsContext {
  /** The secret key of the service, 64 hex characters. */
  readonly serviceKey: string;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Seconds that a session lasts, at most {@link LONGEST_SESSION}. */
  readonly lifetime: number;
}

const format = z.strictObject({
  key: z.string().refine(isDigest),
  id: z.string(),
  epoch: z.string(),
  began: z.int().min(0),
});

/**
 * Sessions of browsers. A session is a text signed by the service, and no server stores it. What a key has ended is in a small
 * record of the bucket, so that every server knows of it at once.
 */
export class Sessions {
  readonly lifetime: number;
  private readonly context: SessionsContext;
  private readonly texts: SignedTexts;

  constructor(context: SessionsContext) {
    this.context = context;
    this.lifetime = context.lifetime;
    this.texts = new SignedTexts(context.serviceKey, context.base, 'session');
  }

  /**
   * Begins a session.
   * @param key that was proven
   * @returns it, and the text that is its cookie
   * @throws CairnError `unavailable` when the store does not answer
   */
  async begin(key: string): Promise<{ readonly session: Session; readonly text: string }> {
    const began = this.now();
    const reading = await readRecord(this.record(periodOf(began), key));
    const epoch = reading.is === 'found' ? reading.record.epoch : '';
    const id = this.context.random.hex(16);
    return {
      session: { key, id, epoch, began, expires: began + this.lifetime },
      text: this.texts.sign({ key, id, epoch, began }),
    };
  }

  /**
   * The session of a cookie. Asks no store, so the session may have been ended: see {@link stands}.
   * @returns undefined for a text that this service has not signed, or whose time is over
   */
  read(text: string): Session | undefined {
    const read = format.safeParse(this.texts.open(text));
    if (!read.success) return undefined;
    const expires = read.data.began + this.lifetime;
    return this.now() < expires ? { ...read.data, expires } : undefined;
  }

  /**
   * Whether a session has not been ended. Takes one small request of the store.
   * @throws CairnError `unavailable` if the store does not answer: then no session counts
   */
  async stands({ key, id, epoch, began }: Session): Promise<boolean> {
    const reading = await readRecord(this.record(periodOf(began), key));
    if (reading.is !== 'found') return true;
    return reading.record.epoch === epoch && !reading.record.ended.includes(id);
  }

  /** Ends one session. @throws CairnError `unavailable`, `busy` */
  async end({ key, id, began }: Session): Promise<void> {
    await updateRecord(this.record(periodOf(began), key), (current) => {
      const { epoch = '', ended = [] } = current ?? {};
      if (ended.includes(id)) return undefined;
      if (ended.length < MOST_ENDED) return { epoch, ended: [...ended, id] };
      return { epoch: this.newEpoch(), ended: [] };
    });
  }

  /** Ends all sessions of a key, in all browsers. @throws CairnError `unavailable`, `busy` */
  async endAll(key: string): Promise<void> {
    const now = this.now();
    const last = periodOf(now + CLOCK_SKEW);
    const epoch = this.newEpoch();
    for (let period = periodOf(now - LONGEST_SESSION - CLOCK_SKEW); period <= last; period++) {
      await updateRecord(this.record(period, key), (current) =>
        current?.epoch === epoch ? undefined : { epoch, ended: [] },
      );
    }
  }

  private newEpoch(): string {
    return this.context.random.hex(8);
  }

  private record(period: number, key: string) {
    return signOutRecord(this.context, period, key);
  }

  private now(): number {
    return Math.floor(this.context.clock.now() / 1000);
  }
}

/** The period in which a session began. @param seconds since 1970 */
export function periodOf(seconds: number): number {
  return Math.floor(seconds / LONGEST_SESSION);
}
