import { type Context, Hono } from 'hono';
import { parsePublicKey } from '../../../nostr/public-key.ts';
import type { Discussions } from '../../../relay/discussions/discussions.ts';
import { notFound } from '../../refuse.ts';
import { representationOf } from '../../representation.ts';
import { privateAnswer } from '../../session/private-answer.ts';
import { loadNostr } from '../load-nostr.ts';
import { bodyAnswer } from '../nostr-routes.ts';

export interface OwnerRoutesContext {
  readonly discussions: Discussions;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  /** The key of a visitor who has signed in. */
  readonly readerOf: (c: Context) => Promise<string | undefined>;
}

/**
 * The pages of people, `/<npub>`: what they say of themselves, their repositories here, what they did lately. Nobody learns
 * from them whether a key has something that is hidden: such a page is that of a key that nobody knows here.
 */
export function ownerRoutes({ discussions, base, readerOf }: OwnerRoutesContext): Hono {
  return new Hono().get('/:npub{npub1[a-z0-9]+}', async (c) => {
    c.header('Vary', 'Accept');
    const key = parsePublicKey(c.req.param('npub'));
    if (key === undefined) return notFound(c, base);
    const visitor = await readerOf(c);
    const { owner } = await loadNostr();
    const body = await owner.makeOwnerPage(discussions, base, key, visitor, representationOf(c));
    if (body === undefined) return notFound(c, base);
    const answer = await bodyAnswer(c, body);
    return visitor === undefined ? answer : privateAnswer(c, answer);
  });
}
