/** What one can sign in with, once: a challenge that a key signs, and a link that was made for a key. */
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { isDigest, sha256 } from '../lib/digest.ts';
import type { Random } from '../lib/random.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { type OneTime, useOnce } from '../repository/records/used-sign-in.ts';
import { SignedTexts } from './signed-texts.ts';

/** Seconds that a challenge is good for: as long as the page of the form may stay open. */
const CHALLENGE_SECONDS = 15 * 60;
/** Seconds that a link is good for. */
const LINK_SECONDS = 5 * 60;

export interface SignInsContext {
  /** The secret key of the service, 64 hex characters. */
  readonly serviceKey: string;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a link is about. */
export interface SignInLink extends OneTime {
  /** Public key in hex. */
  readonly key: string;
  /** The page that it leads to, below the base URL. */
  readonly next: string;
}

const oneTime = { name: z.string().regex(/^[0-9a-f]{32}$/), expires: z.int().min(0) };
const challengeFormat = z.strictObject(oneTime);
const linkFormat = z.strictObject({ ...oneTime, key: z.string().refine(isDigest), next: z.string() });

export class SignIns {
  private readonly context: SignInsContext;
  private readonly challenges: SignedTexts;
  private readonly links: SignedTexts;

  constructor(context: SignInsContext) {
    this.context = context;
    this.challenges = new SignedTexts(context.serviceKey, context.base, 'challenge');
    this.links = new SignedTexts(context.serviceKey, context.base, 'link');
  }

  /** A challenge for a form. */
  challenge(): string {
    const { random } = this.context;
    return this.challenges.sign({ name: random.hex(16), expires: this.now() + CHALLENGE_SECONDS });
  }

  /** @returns undefined for a text that is no challenge of this service, or not any more */
  readChallenge(text: string): OneTime | undefined {
    return this.current(challengeFormat.safeParse(this.challenges.open(text)).data);
  }

  /**
   * Makes a link for a key.
   * @param token that asked for it. Sent again it gives the same link, so that it does not sign in twice either
   */
  link(
    key: string,
    next: string,
    token: { readonly id: string; readonly signedAt: number },
  ): { readonly code: string; readonly expires: number } {
    const name = sha256(`sign-in link ${token.id}`).slice(0, 32);
    const expires = token.signedAt + LINK_SECONDS;
    return { code: this.links.sign({ name, expires, key, next }), expires };
  }

  /** @returns undefined for a text that is no link of this service, or not any more */
  readLink(code: string): SignInLink | undefined {
    return this.current(linkFormat.safeParse(this.links.open(code)).data);
  }

  /**
   * Uses a challenge or a link.
   * @returns false if it has been used before, on whatever server
   * @throws CairnError `unavailable` when the store does not say
   */
  use(once: OneTime): Promise<boolean> {
    return useOnce(this.context.control, this.context.random, once);
  }

  private current<T extends OneTime>(once: T | undefined): T | undefined {
    return once !== undefined && this.now() < once.expires ? once : undefined;
  }

  private now(): number {
    return Math.floor(this.context.clock.now() / 1000);
  }
}
