import { type Context, Hono } from 'hono';
import type { Clock } from '../../lib/clock.ts';
import { CairnError, type ErrorKind, isCairnError } from '../../lib/errors.ts';
import { type EventLimits, parseEvent } from '../../nostr/event.ts';
import { checkSignInEvent } from '../../nostr/sign-in-event.ts';
import type { Verifier } from '../../nostr/verify.ts';
import type { OneTime } from '../../repository/records/used-sign-in.ts';
import { nextPage } from '../../sessions/next-page.ts';
import type { Sessions } from '../../sessions/sessions.ts';
import type { SignIns } from '../../sessions/sign-ins.ts';
import type { Html } from '../layout.ts';
import { PAGE_HEADERS } from '../page-headers.ts';
import { methodNotAllowedPage } from '../pages/method-not-allowed-page.ts';
import { callerOf, requestContextOf } from '../request-context.ts';
import type { PageReaders } from './page-readers.ts';
import { privateAnswer } from './private-answer.ts';
import { requireSameOrigin } from './same-origin.ts';
import type { SessionCookie } from './session-cookie.ts';
import { noSignInPage, signInPage } from './sign-in-page.ts';

export interface SignInRoutesContext {
  /** Absent: signing in is turned off. */
  readonly sessions?: Sessions;
  readonly signIns: SignIns;
  readonly cookie: SessionCookie;
  readonly readers: PageReaders;
  readonly verifier: Verifier;
  /** Whether an address may sign in or out once more now. */
  readonly admit: (caller: string) => boolean;
  /** The public base URL of the service, without a slash at its end. */
  readonly base: string;
  readonly clock: Clock;
}

const STATUS_OF: Readonly<Partial<Record<ErrorKind, 400 | 403 | 413 | 503>>> = {
  unauthenticated: 403,
  forbidden: 403,
  'too-large': 413,
  busy: 503,
};

/** The event has a URL and a challenge: far less than this. */
const EVENT_LIMITS: EventLimits = { maxTags: 16, maxTagElements: 8, maxContentBytes: 1_024, maxBytes: 8_192 };

/** Signing in and out. Everything that changes something is a form that a page of this service posts. */
export function signInRoutes(context: SignInRoutesContext): Hono {
  const { base, sessions } = context;
  const app = new Hono();
  app.get('/sign-in', async (c) => answerPage(c, context));
  app.post('/sign-in', (c) => changed(c, context, (form) => signIn(c, context, form)));
  app.post('/sign-out', (c) => changed(c, context, (form) => signOut(c, context, form)));
  for (const [path, allowed] of [
    ['/sign-in', 'GET, HEAD, POST, OPTIONS'],
    ['/sign-out', 'POST, OPTIONS'],
  ] as const) {
    app.all(path, async (c) => {
      if (path === '/sign-out' && c.req.method === 'GET') return c.redirect(`${base}/sign-in`, 303);
      c.header('Allow', allowed);
      return c.html(methodNotAllowedPage(base, c.req.method), 405, PAGE_HEADERS);
    });
  }
  if (sessions !== undefined) return app;
  const off = new Hono();
  off.get('/sign-in', (c) => c.html(noSignInPage(base), 404, PAGE_HEADERS));
  return off;
}

/** Carries out a form. What is wrong with it is shown above the page to sign in on. */
async function changed(
  c: Context,
  context: SignInRoutesContext,
  change: (form: URLSearchParams) => Promise<Response>,
): Promise<Response> {
  let form: URLSearchParams | undefined;
  try {
    requireSameOrigin(c, context.base);
    if (!context.admit(callerOf(c))) {
      throw new CairnError('busy', 'too many sign-ins from your address, try again in a minute');
    }
    form = await formOf(c);
    return privateAnswer(c, await change(form));
  } catch (error) {
    if (!isCairnError(error) || error.kind === 'unavailable' || error.kind === 'corrupt') throw error;
    const status = STATUS_OF[error.kind] ?? 400;
    if (status === 503) c.header('Retry-After', '60');
    const next = form?.get('next') ?? undefined;
    return answerPage(c, context, { status, problem: error.publicText, next });
  }
}

/** @throws CairnError `forbidden`, `invalid`, `unauthenticated`, `unavailable` */
async function signIn(c: Context, context: SignInRoutesContext, form: URLSearchParams): Promise<Response> {
  const { base, sessions, signIns, cookie } = context;
  const { key, next, once } = form.has('link') ? provenByLink(form, context) : provenByEvent(form, context);
  if (!(await signIns.use(once))) {
    throw new CairnError('unauthenticated', 'this was used to sign in already, and works once: start again');
  }
  if (sessions === undefined) throw new TypeError('these routes are there only where one can sign in');
  const { text } = await sessions.begin(key);
  c.header('Set-Cookie', cookie.begin(text, sessions.lifetime));
  return c.redirect(`${base}${next}`, 303);
}

interface Proven {
  readonly key: string;
  readonly next: string;
  readonly once: OneTime;
}

function provenByLink(form: URLSearchParams, { signIns }: SignInRoutesContext): Proven {
  const link = signIns.readLink(form.get('link') ?? '');
  if (link === undefined) {
    throw new CairnError(
      'unauthenticated',
      'this link is of another server, or too old: make a new one with "cairn open"',
    );
  }
  return { key: link.key, next: nextPage(link.next), once: link };
}

function provenByEvent(form: URLSearchParams, context: SignInRoutesContext): Proven {
  const { base, signIns, verifier, clock } = context;
  const event = parseEvent(jsonOf(form.get('event') ?? ''), EVENT_LIMITS);
  if (!event.ok) throw new CairnError('invalid', `there is no signed event: ${event.reason}`);
  if (!verifier.verify(event.value)) {
    throw new CairnError('unauthenticated', 'the signature of the event is invalid');
  }
  const checked = checkSignInEvent(event.value, {
    url: `${base}/sign-in`,
    now: Math.floor(clock.now() / 1000),
  });
  if (!checked.ok) throw new CairnError('unauthenticated', checked.reason);
  const once = signIns.readChallenge(checked.value.challenge);
  if (once === undefined) {
    throw new CairnError('unauthenticated', 'this page was open for too long: try again');
  }
  return { key: checked.value.key, next: nextPage(form.get('next') ?? undefined), once };
}

/** @throws CairnError `unavailable`, `busy` */
async function signOut(c: Context, context: SignInRoutesContext, form: URLSearchParams): Promise<Response> {
  const { base, sessions, cookie, readers } = context;
  const session = await readers.sessionOf(c);
  if (session !== undefined && form.has('everywhere')) await sessions?.endAll(session.key);
  else if (session !== undefined) await sessions?.end(session);
  c.header('Set-Cookie', cookie.end());
  return c.redirect(`${base}/sign-in`, 303);
}

/** What became of a form that was not carried out. */
interface Refused {
  readonly status?: 200 | 400 | 403 | 413 | 503;
  readonly problem?: string;
  /** Where it was to lead. */
  readonly next?: string | undefined;
}

async function answerPage(
  c: Context,
  context: SignInRoutesContext,
  { status = 200, problem, next }: Refused = {},
): Promise<Response> {
  const { base, signIns, readers, clock } = context;
  const code = c.req.query('link');
  const link = code === undefined ? undefined : signIns.readLink(code);
  const isDead = code !== undefined && link === undefined && problem === undefined;
  const told = isDead
    ? 'This link is not one of this server, or is too old: make another one with "cairn open".'
    : problem;
  const session = await readers.sessionOf(c);
  const body: Html = signInPage({
    base,
    next: nextPage(next ?? c.req.query('next') ?? pageBefore(c, base)),
    challenge: signIns.challenge(),
    now: Math.floor(clock.now() / 1000),
    ...(told === undefined ? {} : { problem: told }),
    ...(session === undefined ? {} : { session }),
    ...(link === undefined || code === undefined ? {} : { link: { ...link, code } }),
  });
  const answer = await c.html(body, isDead ? 403 : status, PAGE_HEADERS);
  // With `no-referrer`, browsers would not say where a form comes from.
  answer.headers.set('Referrer-Policy', 'same-origin');
  return privateAnswer(c, answer);
}

/** The page of this service that the visitor comes from. */
function pageBefore(c: Context, base: string): string | undefined {
  const before = c.req.header('Referer');
  return before?.startsWith(`${base}/`) === true ? before.slice(base.length) : undefined;
}

/** The fields of a posted form. @throws CairnError `invalid`, `too-large` */
async function formOf(c: Context): Promise<URLSearchParams> {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') {
    throw new CairnError('invalid', 'this is not the form of a page');
  }
  const { smallBody } = requestContextOf(c);
  if (smallBody === undefined) throw new TypeError('nothing reads bodies here');
  return new URLSearchParams((await smallBody()).toString('utf8'));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What it is instead does not matter.
    return undefined;
  }
}
