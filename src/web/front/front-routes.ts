import { type Context, Hono } from 'hono';
import { accepts } from 'hono/accepts';
import type { AccessMode } from '../../policy/push-entry.ts';
import { MadePage } from '../made-page.ts';
import type { PageTraffic } from '../page-traffic.ts';
import { homePage, type ServiceInformation } from '../pages/home-page.ts';
import { tooMany } from '../refuse.ts';
import { callerOf } from '../request-context.ts';
import { sendPage } from '../send-page.ts';
import { frontJson } from './front-json.ts';
import { readFrontQuestion } from './front-question.ts';
import type { RepositoryIndex } from './repository-index.ts';

export interface FrontRoutesContext {
  readonly index: Pick<RepositoryIndex, 'find'>;
  /** Limits what one address asks for. */
  readonly traffic: Pick<PageTraffic, 'admit' | 'charge'>;
  /** The public base URL of the service. */
  readonly base: string;
  readonly access: AccessMode;
  /** The relay's information document (NIP-11). */
  readonly information: ServiceInformation;
  /** The name that somebody chose. @param key in hex */
  readonly nameOfKey: (key: string) => string | undefined;
}

/** Repositories on a page. */
const SHOWN = 50;
/** Seconds that a search among very many repositories may take; a list takes the least. */
const SEARCH_SECONDS = 0.02;

/** The front page: for people, for programs, and for clients of the relay, which know it by the same URL. */
export function frontRoutes(context: FrontRoutesContext): Hono {
  const { index, traffic, base, access, information, nameOfKey } = context;
  return new Hono().get('/', async (c) => {
    c.header('Vary', 'Accept');
    const type = typeOf(c);
    if (type === 'application/nostr+json') {
      return c.body(JSON.stringify(information), 200, {
        'Content-Type': type,
        // NIP-11 requires this header of every relay, even if no other response has it.
        'Access-Control-Allow-Origin': '*',
      });
    }
    const wait = traffic.admit(callerOf(c));
    if (wait > 0) return tooMany(c, base, wait);
    const question = readFrontQuestion(new URL(c.req.url).searchParams);
    if (question.text !== '') traffic.charge(callerOf(c), SEARCH_SECONDS);
    const found = await index.find(question, SHOWN);
    const isJson = type === 'application/json';
    const body = isJson
      ? JSON.stringify(frontJson(base, question, found))
      : String(await homePage({ base, access, information, nameOfKey, question, found }));
    return sendPage(c, new MadePage(Buffer.from(body)), isJson ? 'json' : 'html');
  });
}

function typeOf(c: Context): string {
  // Clients of the relay may name other types besides.
  if (c.req.header('Accept')?.includes('application/nostr+json') === true) return 'application/nostr+json';
  return accepts(c, {
    header: 'Accept',
    supports: ['text/html', 'application/json'],
    default: 'text/html',
  });
}
