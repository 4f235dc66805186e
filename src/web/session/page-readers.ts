import type { Context } from 'hono';
import type { Clock } from '../../lib/clock.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { readCredential } from '../../nostr/http-credential.ts';
import { checkRequestToken } from '../../nostr/nip98-request.ts';
import type { Verifier } from '../../nostr/verify.ts';
import type { Session, Sessions } from '../../sessions/sessions.ts';
import type { SessionCookie } from './session-cookie.ts';

/** Finds out who the visitor of a page is. Not called for what everybody may read: it may ask the store. */
export type Reader = () => Promise<string | undefined>;

export interface PageReadersContext {
  /** Absent: signing in is turned off. */
  readonly sessions?: Sessions | undefined;
  readonly cookie: SessionCookie;
  /** Checks tokens of programs. Absent: none are taken. */
  readonly verifier?: Verifier | undefined;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  readonly clock: Clock;
}

/** The visitors of pages: people by their sessions, programs by the tokens that they sign for each request (NIP-98). */
export class PageReaders {
  private readonly context: PageReadersContext;

  constructor(context: PageReadersContext) {
    this.context = context;
  }

  /**
   * The key of the visitor, in hex; undefined if there is none. An invalid token counts as none, and so does the cookie
   * that comes with it.
   * @throws CairnError `unavailable` when the store does not answer
   */
  async readerOf(c: Context): Promise<string | undefined> {
    const credential = readCredential(c.req.header('Authorization'));
    if (credential.kind === 'none') return (await this.sessionOf(c))?.key;
    return credential.kind === 'token' ? this.signerOf(c, credential.event) : undefined;
  }

  /** The session of a request, if it stands. @throws CairnError `unavailable` */
  async sessionOf(c: Context): Promise<Session | undefined> {
    const { sessions, cookie } = this.context;
    if (sessions === undefined || !isOwnRequest(c)) return undefined;
    const text = cookie.read(c.req.header('Cookie'));
    const session = text === undefined ? undefined : sessions.read(text);
    return session !== undefined && (await sessions.stands(session)) ? session : undefined;
  }

  private signerOf(c: Context, event: NostrEvent): string | undefined {
    const { verifier, base, clock } = this.context;
    if (verifier === undefined || !verifier.verify(event)) return undefined;
    const { pathname, search } = new URL(c.req.url);
    const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
    const request = { url: `${base}${pathname}${search}`, method, body: new Uint8Array() };
    const token = checkRequestToken(event, request, Math.floor(clock.now() / 1000));
    return token.ok ? token.actor : undefined;
  }
}

/**
 * Whether a request that brings a cookie comes from a page of this service, or from a person who follows a link. What pages of
 * neighbours in the domain load gets no session, so that they do not learn what there is by loading it.
 */
function isOwnRequest(c: Context): boolean {
  const site = c.req.header('Sec-Fetch-Site');
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  return c.req.header('Sec-Fetch-Mode') === 'navigate' && c.req.header('Sec-Fetch-Dest') === 'document';
}
