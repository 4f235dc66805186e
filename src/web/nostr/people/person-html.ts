import { html, raw } from 'hono/html';
import { type Html, rootOf } from '../../layout.ts';
import { shortNpub, userText } from '../../user-text.ts';
import type { ShownPerson } from './people-on-page.ts';

const NAME = 60;

/**
 * A person: a picture that follows from the key, the name, the key, and the rights. The key is always there: names are
 * anybody's to take.
 */
export function personHtml(base: string, person: ShownPerson): Html {
  const { key, npub, name, role, looksLike } = person;
  return html`<span class="person">${identicon(key)} <a href="${personUrl(base, npub)}">${
    name === undefined ? '' : html`<span class="name">${userText(name, NAME)}</span> `
  }<code title="${npub}">${shortNpub(npub)}</code></a>${role === undefined ? '' : html` <span class="role">${role}</span>`}${
    looksLike === undefined
      ? ''
      : html` <strong class="warning">not the ${looksLike} of that name: another key</strong>`
  }</span>`;
}

/** The path of a person's page. */
export function personUrl(base: string, npub: string): string {
  return `${rootOf(base)}/${npub}`;
}

/** Cells in a row of a picture; the right half mirrors the left one. */
const CELLS = 5;

/** A picture that follows from a key, so that people tell keys apart. It is drawn here: no page loads pictures of people. */
export function identicon(key: string): Html {
  const bytes = Buffer.from(key, 'hex');
  const hue = Math.round((((bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)) / 65_536) * 360);
  let path = '';
  for (let row = 0; row < CELLS; row++) {
    for (let column = 0; column < CELLS; column++) {
      const mirrored = Math.min(column, CELLS - 1 - column);
      if (((bytes[2 + row * 3 + mirrored] ?? 0) & 1) === 1) path += `M${column} ${row}h1v1h-1z`;
    }
  }
  return html`<svg class="identicon" viewBox="0 0 5 5" width="20" height="20" aria-hidden="true" focusable="false"><path fill="hsl(${hue} 45% 50%)" d="${raw(path)}"/></svg>`;
}
