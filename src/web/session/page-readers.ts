import type { Context } from 'hono';
import type { Session, Sessions } from '../../sessions/sessions.ts';
import type { SessionCookie } from './session-cookie.ts';

/** Finds out who the visitor of a page is. Called only where that makes a difference: it asks the store. */
export type Reader = () => Promise<string | undefined>;

/** The visitors of pages, by their sessions. */
export class PageReaders {
  private readonly sessions: Sessions | undefined;
  private readonly cookie: SessionCookie;

  /** @param sessions undefined where nobody can sign in */
  constructor(sessions: Sessions | undefined, cookie: SessionCookie) {
    this.sessions = sessions;
    this.cookie = cookie;
  }

  /**
   * The key of the visitor, in hex; undefined for one who has not signed in.
   * @throws CairnError `unavailable` when the store does not answer
   */
  async readerOf(c: Context): Promise<string | undefined> {
    return (await this.sessionOf(c))?.key;
  }

  /** The session of a request, if it stands. @throws CairnError `unavailable` */
  async sessionOf(c: Context): Promise<Session | undefined> {
    const session = this.claimed(c);
    if (session === undefined || this.sessions === undefined) return undefined;
    return (await this.sessions.stands(session)) ? session : undefined;
  }

  private claimed(c: Context): Session | undefined {
    if (this.sessions === undefined || !isOwnRequest(c)) return undefined;
    const text = this.cookie.read(c.req.header('Cookie'));
    return text === undefined ? undefined : this.sessions.read(text);
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
