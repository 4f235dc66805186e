import { html } from 'hono/html';
import type { Html } from '../layout.ts';
import { userText } from '../user-text.ts';
import type { CodeContext } from './frame.ts';
import { refSwitch, type ShownPlace } from './ref-switch.ts';

const NAME = 120;
const SEGMENT = 255;

/**
 * What a page about a path begins with: the branch or tag, with others to switch to, and a heading of links to all folders above,
 * the last name as plain text.
 * @param of what of it the page shows, as `Commits of`; empty for the file or folder itself
 */
export function placeHtml(context: CodeContext, place: ShownPlace, of = ''): Html {
  const { links, name } = context;
  const { revision, path } = place;
  const parts = path.map((segment, at) => {
    const text = userText(segment.toString('utf8'), SEGMENT);
    const isLast = at === path.length - 1;
    return html`<span class="quiet" aria-hidden="true">/</span>${
      isLast
        ? html`<span aria-current="page">${text}</span>`
        : html`<a href="${links.at('tree', revision, path.slice(0, at + 1))}">${text}</a>`
    }`;
  });
  return html`<div class="place">${refSwitch(context, place)}
<h1 class="path">${of === '' ? '' : `${of} `}<a href="${links.at('tree', revision)}">${userText(name, NAME)}</a>${parts}</h1></div>`;
}
