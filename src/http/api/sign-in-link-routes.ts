/** Links with which a browser is signed in: JSON, for keys that sign the request (NIP-98). */
import type { Context, Hono } from 'hono';
import { CairnError } from '../../lib/errors.ts';
import { nextPage } from '../../sessions/next-page.ts';
import type { SignIns } from '../../sessions/sign-ins.ts';
import type { HttpEnv } from '../http-env.ts';
import { type ApiServer, postRoute } from './post-route.ts';
import { type SignedRequestContext, signerOfRequest } from './signed-request.ts';

export interface SignInLinkRoutesContext extends SignedRequestContext {
  /** Absent: signing in is turned off. */
  readonly signIns: Pick<SignIns, 'link'> | undefined;
  /** Whether an address may sign in once more now. */
  readonly admit: (caller: string) => boolean;
  /** Public base URL of the service, without a slash at its end. */
  readonly base: string;
}

/** Where links are asked for. */
const PATH = '/api/v1/sign-in-links';

export function signInLinkRoutes(context: SignInLinkRoutesContext, server: ApiServer): Hono<HttpEnv> {
  return postRoute(PATH, 'a link', server, async (c, body) => {
    if (!context.admit(c.get('client').caller)) {
      throw new CairnError('busy', 'too many links were asked for from your address, try again in a minute');
    }
    // The holder of the response can sign in.
    c.header('Cache-Control', 'no-store');
    return answer(context, c, await body());
  });
}

/** @throws CairnError `unauthenticated`, `invalid`, `not-found` if signing in is turned off */
function answer(context: SignInLinkRoutesContext, c: Context<HttpEnv>, body: Buffer): object {
  const { base, signIns } = context;
  if (signIns === undefined) {
    throw new CairnError('not-found', 'signing in to the pages of this server is turned off');
  }
  const request = { url: `${base}${c.env.path}`, method: 'POST', body };
  const { actor, token, signedAt } = signerOfRequest(context, c.env.incoming.headers.authorization, request);
  const { code, expires } = signIns.link(actor, nextPage(wishOf(body)), { id: token, signedAt });
  return { url: `${base}/sign-in?link=${code}`, expires, key: actor };
}

/** Longest text that makes a request another one than the one before it. */
const MAX_NONCE = 64;

/**
 * The page that the link is to lead to. An empty body asks for a link to the front page. A `nonce` only makes the request another
 * one: the same signed request gives the same link.
 */
function wishOf(body: Buffer): string | undefined {
  if (body.length === 0) return undefined;
  let said: unknown;
  try {
    said = JSON.parse(body.toString('utf8'));
  } catch {
    throw new CairnError('invalid', 'the body is not JSON');
  }
  const isWish = typeof said === 'object' && said !== null && !Array.isArray(said);
  const {
    next,
    nonce = '',
    ...others
  } = (isWish ? said : { none: true }) as Readonly<Record<string, unknown>>;
  const isText = typeof nonce === 'string' && nonce.length <= MAX_NONCE;
  if ((next !== undefined && typeof next !== 'string') || !isText || Object.keys(others).length > 0) {
    throw new CairnError('invalid', 'the body may only contain {"next": "/<path>", "nonce": "<text>"}');
  }
  return next;
}
