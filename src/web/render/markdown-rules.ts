/** What Markdown means on pages of code, beyond CommonMark, tables, strikethrough and links as plain text. */
import type { MarkdownIt, StateCore, Token } from 'markdown-it';
import { addFootnotes } from './markdown-footnotes.ts';
import type { TextIds } from './text-ids.ts';

const ALERTS = /^\[!(note|tip|important|warning|caution)\][ \t]*(?:\n|$)/i;
const TASK = /^\[([ xX])\][ \t]/;
/** Headings that get an anchor. */
const HEADINGS = 2_000;
/** Ids and names of anchors in HTML, well enough for headings to avoid them. */
const OWN_IDS = /\b(?:id|name)=["']?([^\s"'>]{1,200})/gi;

/** Adds the rules to a parser of one text. @param ids of its page */
export function addRules(markdown: MarkdownIt, ids: TextIds): void {
  markdown.core.ruler.after('block', 'alerts', markAlerts);
  addFootnotes(markdown, ids);
  markdown.core.ruler.push('headings', (state) => nameHeadings(state, ids));
  markdown.core.ruler.push('tasks', markTasks);
  markdown.core.ruler.push('tables', markTables);
}

/** Gives headings the ids that links of READMEs expect: their words in lower case, with hyphens. */
function nameHeadings({ tokens, Token }: StateCore, ids: TextIds): void {
  for (const { type, content } of tokens.flatMap((token) => token.children ?? token)) {
    if (type !== 'html_block' && type !== 'html_inline') continue;
    for (const [, id = ''] of content.matchAll(OWN_IDS)) ids.reserve(id);
  }
  let count = 0;
  tokens.forEach((token, at) => {
    const inline = tokens[at + 1];
    if (token.type !== 'heading_open' || inline?.children == null || ++count > HEADINGS) return;
    const words = textOf(inline.children);
    const name = slugOf(words);
    if (name === '') return;
    const id = ids.nameHeading(name);
    token.attrSet('id', id);
    const [open, sign, close] = [
      new Token('link_open', 'a', 1),
      new Token('text', '', 0),
      new Token('link_close', 'a', -1),
    ];
    open.attrSet('class', 'anchor');
    open.attrSet('href', `#${id}`);
    open.attrSet('aria-label', `Link to “${words.slice(0, 100)}”`);
    sign.content = '#';
    inline.children.push(open, sign, close);
  });
}

function slugOf(words: string): string {
  return words
    .slice(0, 180)
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/** The words of inline tokens, without marks. */
function textOf(tokens: readonly Token[]): string {
  return tokens
    .map(({ type, content, children }) => {
      if (type === 'text' || type === 'code_inline') return content;
      if (type === 'softbreak' || type === 'hardbreak') return ' ';
      return type === 'image' && children !== null ? textOf(children) : '';
    })
    .join('');
}

/** `- [ ]` and `- [x]` become boxes. */
function markTasks({ tokens, Token }: StateCore): void {
  tokens.forEach((token, at) => {
    const [item, paragraph] = [tokens[at - 2], tokens[at - 1]];
    if (token.type !== 'inline' || paragraph?.type !== 'paragraph_open' || item?.type !== 'list_item_open')
      return;
    const [first] = token.children ?? [];
    const mark = first?.type === 'text' ? TASK.exec(first.content) : null;
    if (first === undefined || mark === null) return;
    const isDone = mark[1] !== ' ';
    first.content = first.content.slice(mark[0].length);
    const box = new Token('html_inline', '', 0);
    box.content = `<input type="checkbox" disabled${isDone ? ' checked' : ''} aria-label="${isDone ? 'Done' : 'To do'}"> `;
    token.children?.unshift(box);
    item.attrJoin('class', 'task');
  });
}

/** A quote that begins with `[!NOTE]` and the like is an alert. */
function markAlerts({ tokens, Token }: StateCore): void {
  const open: { readonly token: Token; isAlert: boolean }[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    if (token.type === 'blockquote_close' && open.pop()?.isAlert === true) token.tag = 'div';
    if (token.type !== 'blockquote_open') continue;
    const quote = { token, isAlert: false };
    open.push(quote);
    const inline = tokens[at + 2];
    const [mark, kind = ''] = (inline?.type === 'inline' && ALERTS.exec(inline.content)) || [];
    if (inline === undefined || mark === undefined) continue;
    quote.isAlert = true;
    token.tag = 'div';
    token.attrSet('class', `alert alert-${kind.toLowerCase()}`);
    inline.content = inline.content.slice(mark.length);
    const title = new Token('html_block', '', 0);
    title.content = `<p class="alert-title">${kind.charAt(0).toUpperCase()}${kind.slice(1).toLowerCase()}</p>`;
    tokens.splice(at + 1, 0, title);
  }
}

/** Tables scroll if they are wide, and cells are aligned without styles. */
function markTables({ tokens }: StateCore): void {
  for (const token of tokens) {
    if (token.type === 'th_open') token.attrSet('scope', 'col');
    const style = token.attrGet('style');
    const [, align] = /^text-align:(left|right|center)$/.exec(String(style)) ?? [];
    if (align !== undefined) token.attrSet('align', align);
  }
}
