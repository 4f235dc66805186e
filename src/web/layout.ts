import { html, raw } from 'hono/html';
import { PAGE_SCRIPT, STYLE_SHEET } from './assets/assets.ts';

/** HTML whose inserted values are escaped. */
export type Html = ReturnType<typeof html>;

export interface PageParts {
  /** Title of the window; plain text. */
  readonly title: string;
  /** Description for search engines; plain text. */
  readonly description?: string;
  /** The canonical URL, if the page has several. */
  readonly canonical?: string;
  /** Feeds of what the page shows, which readers of feeds find by themselves. */
  readonly feeds?: readonly { readonly title: string; readonly url: string }[];
  /** The public base URL of the service. */
  readonly base: string;
  /** True for the front page, which needs no link to itself. */
  readonly isFront?: true;
  /** True for pages of code, which take the width of the window. */
  readonly wide?: boolean;
  readonly content: Html;
}

/** A cairn of three stones. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='%23b35900'%3E" +
  "%3Cellipse cx='8' cy='13' rx='7' ry='2.6'/%3E%3Cellipse cx='8' cy='8' rx='5' ry='2.2'/%3E" +
  "%3Cellipse cx='8' cy='3.6' rx='3' ry='1.9'/%3E%3C/svg%3E";

/** The same, in the colours of the page. */
const LOGO = raw(
  '<svg viewBox="0 0 16 16" aria-hidden="true" focusable="false"><ellipse cx="8" cy="13" rx="7" ry="2.6"/>' +
    '<ellipse cx="8" cy="8" rx="5" ry="2.2"/><ellipse cx="8" cy="3.6" rx="3" ry="1.9"/></svg>',
);

/** A whole page around its content. */
export function page(parts: PageParts): Html {
  const { title, description, canonical, feeds = [], base, isFront, wide, content } = parts;
  const root = rootOf(base);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${description === undefined ? '' : html`<meta name="description" content="${description}">`}
${canonical === undefined ? '' : html`<link rel="canonical" href="${canonical}">`}
${feeds.map(
  (feed) => html`<link rel="alternate" type="application/atom+xml" title="${feed.title}" href="${feed.url}">
`,
)}<link rel="icon" href="${raw(ICON)}">
<link rel="stylesheet" href="${root}${STYLE_SHEET.path}">
<script src="${root}${PAGE_SCRIPT.path}" defer></script>
</head>
<body${wide === true ? raw(' class="wide"') : ''}>
<a class="skip" href="#content">Skip to the content</a>
${isFront === true ? '' : html`<header class="top"><div><a href="${base}/">${LOGO}${hostOf(base)}</a></div></header>`}
<main id="content" tabindex="-1">
${content}
</main>
<footer>Served by Cairn: git hosting on nothing but an object store. <a href="${root}/sign-in" rel="nofollow" referrerpolicy="same-origin">Sign in</a> to see private repositories.</footer>
</body>
</html>
`;
}

/** The path of a base URL, without a slash at its end. Links with it work wherever a page was reached. */
export function rootOf(base: string): string {
  return new URL(base).pathname.replace(/\/$/, '');
}

/** The host of a base URL, as people name a service. */
export function hostOf(base: string): string {
  return base.replace(/^https?:\/\//, '');
}

/** Commands for a terminal, one a line. */
export function commands(...lines: readonly string[]): Html {
  // Long lines scroll, so the keyboard has to reach them.
  return html`<div class="commands"><pre tabindex="0"><code>${lines.join('\n')}</code></pre></div>`;
}

/** One word of a shell command, quoted if necessary. Identifiers come from strangers, and people copy commands. */
export function shellWord(text: string): string {
  return /^[\w:/.%+=,@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
