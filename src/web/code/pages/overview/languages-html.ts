import { html } from 'hono/html';
import type { LanguageShare } from '../../../../browse/languages/languages.ts';
import type { Html } from '../../../layout.ts';

/** Languages that have a part of the bar of their own; the style sheet has a colour for each place. */
const SHOWN = 6;

/** A bar with a part for each language, and the same as a list. Widths are attributes, since pages have no inline styles. */
export function languagesHtml(languages: readonly LanguageShare[]): Html | '' {
  const total = languages.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total === 0) return '';
  const shown = languages.slice(0, SHOWN).map(({ name, bytes }) => ({ name, share: (100 * bytes) / total }));
  const rest = languages.slice(SHOWN).reduce((sum, { bytes }) => sum + bytes, 0);
  const parts = rest === 0 ? shown : [...shown, { name: 'Other', share: (100 * rest) / total }];
  let left = 0;
  const bar = parts.map(({ share }, at) => {
    const x = left;
    left += share;
    return html`<rect class="language-${at}" x="${x.toFixed(2)}" width="${share.toFixed(2)}" height="4"/>`;
  });
  return html`<h2>Languages</h2>
<svg class="languages" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false">${bar}</svg>
<ul class="languages">
${parts.map(
  ({ name, share }, at) =>
    html`<li><span class="dot language-${at}" aria-hidden="true"></span>${name} <span class="quiet">${percent(share)}</span></li>
`,
)}</ul>`;
}

function percent(share: number): string {
  return share < 0.1 ? '< 0.1 %' : `${share.toFixed(1)} %`;
}
