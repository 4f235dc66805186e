import { html } from 'hono/html';
import { formatNpub } from '../../nostr/public-key.ts';
import type { Session } from '../../sessions/sessions.ts';
import type { SignInLink } from '../../sessions/sign-ins.ts';
import { commands, type Html, page, rootOf, shellWord } from '../layout.ts';
import { cut, shortNpub, userText } from '../user-text.ts';

export interface SignInPageParts {
  /** The public base URL of the service. */
  readonly base: string;
  /** Path to go on to. */
  readonly next: string;
  /** Why the visitor has not been signed in. */
  readonly problem?: string;
  /** The session of a visitor who has signed in. */
  readonly session?: Session;
  /** A link that the visitor has followed, and its code. */
  readonly link?: SignInLink & { readonly code: string };
  /** What an extension is to sign. */
  readonly challenge: string;
  /** Seconds since 1970. */
  readonly now: number;
}

const SHOWN_PATH = 200;

/** The page to sign in on, and to see who has signed in. */
export function signInPage(parts: SignInPageParts): Html {
  const { base, problem, session, link } = parts;
  const title =
    link !== undefined ? 'Sign in with this link?' : session === undefined ? 'Sign in' : 'Signed in';
  return page({
    title,
    base,
    content: html`<h1>${title}</h1>
${problem === undefined ? '' : html`<p class="problem" role="alert">${cut(problem, 500)}</p>`}
${link === undefined ? '' : followed(parts, link)}
${session === undefined || link !== undefined ? '' : signedIn(parts, session)}
${session === undefined && link === undefined ? ways(parts) : ''}`,
  });
}

/** The page if signing in is turned off. */
export function noSignInPage(base: string): Html {
  return page({
    title: 'Sign in',
    base,
    content: html`<h1>Sign in</h1>
<p>Nobody can sign in to these pages: the operator of this server has turned that off. Private repositories are cloned with git,
which gets in with a token that your key signs.</p>`,
  });
}

/** A link says for whom it is, and does nothing before its visitor agrees: somebody else may have sent it. */
function followed(
  { base, session }: SignInPageParts,
  { key, next, code }: NonNullable<SignInPageParts['link']>,
): Html {
  const npub = formatNpub(key);
  return html`<p>This link was made with <code>cairn open</code> by the key <code>${npub}</code>. It works once.</p>
<p>It leads to <code>${userText(next, SHOWN_PATH)}</code>.</p>
${session === undefined || session.key === key ? '' : html`<p>You are signed in as <code>${formatNpub(session.key)}</code> now.</p>`}
<form method="post" action="${rootOf(base)}/sign-in">
<input type="hidden" name="link" value="${code}">
<button type="submit">Sign in as ${shortNpub(npub)}</button>
</form>
<p class="quiet">If this is not your key, close this page.</p>`;
}

function signedIn({ base, next }: SignInPageParts, { key, expires }: Session): Html {
  const until = new Date(expires * 1000).toISOString().slice(0, 16).replace('T', ' ');
  const action = `${rootOf(base)}/sign-out`;
  return html`<p>You are signed in as <code>${formatNpub(key)}</code> until ${until} UTC, in this browser. You see the private repositories
of which this key is the owner, a maintainer or a reader, at the addresses you know.</p>
${next === '/' ? '' : html`<p><a href="${base}${next}">Go on to <code>${userText(next, SHOWN_PATH)}</code></a></p>`}
<form class="inline" method="post" action="${action}"><button type="submit">Sign out</button></form>
<form class="inline" method="post" action="${action}"><input type="hidden" name="everywhere" value="yes"><button type="submit">Sign out in all browsers</button></form>`;
}

function ways({ base, next, challenge, now }: SignInPageParts): Html {
  const url = `${base}/sign-in`;
  return html`<p>Private repositories are shown to their owners, maintainers and readers. There are no accounts: you prove that you have
a Nostr key. Public repositories need none of this.</p>
<h2>With a browser extension</h2>
<form class="sign-in" method="post" action="${rootOf(base)}/sign-in" data-url="${url}" data-challenge="${challenge}" data-now="${now}">
<input type="hidden" name="event" value="">
<input type="hidden" name="next" value="${next}">
<button type="submit" hidden>Sign in with your extension</button>
<p role="status">An extension that keeps a Nostr key (NIP-07) can sign in here, in a browser that runs scripts.</p>
</form>
<h2>Without an extension or scripts</h2>
<p>In a terminal with your key, print a link that signs this browser in, once:</p>
${commands(`cairn open ${next === '/' ? '<URL of a repository>' : shellWord(`${base}${next}`)}`)}`;
}
