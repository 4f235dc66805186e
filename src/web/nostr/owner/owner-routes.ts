import { type Context, Hono } from 'hono';
import { parsePublicKey } from '../../../nostr/public-key.ts';
import { MadePage } from '../../made-page.ts';
import { PAGE_HEADERS } from '../../page-headers.ts';
import type { PageTraffic } from '../../page-traffic.ts';
import { notFound, tooMany } from '../../refuse.ts';
import { representationOf } from '../../representation.ts';
import { callerOf } from '../../request-context.ts';
import { sendPage } from '../../send-page.ts';
import { privateAnswer } from '../../session/private-answer.ts';
import { loadNostr } from '../load-nostr.ts';
import type { PeopleRead } from './read-owner.ts';

export interface OwnerRoutesContext {
  readonly people: PeopleRead;
  /** Limits what one address asks for. */
  readonly traffic: Pick<PageTraffic, 'admit' | 'charge'>;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  /** The key of a visitor who has signed in. */
  readonly readerOf: (c: Context) => Promise<string | undefined>;
}

/** Seconds that such a page takes at most: hundreds of events may be looked at. */
const SECONDS = 0.02;

/**
 * The pages of people, `/<npub>`: what they say of themselves, their repositories here, their recent activity. They do not reveal
 * whether a key has something hidden: its page is then that of an unknown key.
 */
export function ownerRoutes({ people, traffic, base, readerOf }: OwnerRoutesContext): Hono {
  return new Hono().get('/:npub{npub1[a-z0-9]+}', async (c) => {
    c.header('Vary', 'Accept');
    const key = parsePublicKey(c.req.param('npub'));
    if (key === undefined) return notFound(c, base);
    const wait = traffic.admit(callerOf(c));
    if (wait > 0) return tooMany(c, base, wait);
    traffic.charge(callerOf(c), SECONDS);
    const visitor = await readerOf(c);
    const { owner } = await loadNostr();
    const representation = representationOf(c);
    const body = await owner.makeOwnerPage(people, base, key, visitor, representation);
    if (body === undefined) {
      return representation === 'json'
        ? notFound(c, base)
        : c.html(owner.unknownOwnerHtml(base, key), 404, PAGE_HEADERS);
    }
    const answer = await sendPage(c, new MadePage(Buffer.from(body)), representation);
    return visitor === undefined ? answer : privateAnswer(c, answer);
  });
}
