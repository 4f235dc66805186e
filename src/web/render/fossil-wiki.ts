/** Fossil's wiki markup (fossil-scm.org, "Wiki Formatting Rules"), as HTML. */
import { CairnError } from '../../lib/errors.ts';
import { escapeHtml } from '../escape-html.ts';
import { cleanHtml } from './markdown-clean.ts';
import type { MarkdownPlace } from './markdown-links.ts';

export interface WikiQuestion {
  /** Untrusted. */
  readonly text: string;
  readonly place: MarkdownPlace;
  /** Where the targets of links lead that are pages of this server, by the target as it is written. */
  readonly known: ReadonlyMap<string, string>;
}

/** Most characters of the result. */
const LONGEST_HTML = 4 * 1024 * 1024;
/** Characters of a tag, and of a link; a longer one is text. */
const LONGEST_TAG = 2_000;
const LONGEST_LINK = 2_000;

/** What stands between other words. */
const INLINE =
  `a abbr b big br cite code del dfn em font i img ins kbd nobr s samp small span strike strong sub sup tt u var`.split(
    ' ',
  );
/** What stands for itself: no paragraph goes on over it. */
const BLOCKS =
  `address article aside blockquote center col colgroup dd details div dl dt footer h1 h2 h3 h4 h5 h6 header hr li nav ol p pre section summary table tbody td tfoot th thead tr ul`.split(
    ' ',
  );
const IS_BLOCK = new Map([
  ...INLINE.map((name) => [name, false] as const),
  ...BLOCKS.map((name) => [name, true] as const),
]);
const TITLE = 'title';
/** Blocks without an end. */
const EMPTY = new Set(['col', 'hr']);
/** Blocks in which a blank line begins a paragraph. */
const WITH_PARAGRAPHS = new Set(
  'address article aside blockquote center dd details div footer header li nav section td th'.split(' '),
);

const TAG = /^<(\/?)([a-z][a-z0-9]*)(?=[\s/>])(?:[^<>"']|"[^"]*"|'[^']*')*>/i;
const ENTITY = /&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});/iy;
/** Text without anything that could begin markup. */
const WORDS = /[^<[&\n]+/y;
const BREAK = /(?:[ \t]*\n){2,}/y;
const MARGIN = /[ \t]*/y;
const BULLET = /(?:[*#]|(\d{1,9})\.?)([ \t]+)(?=\S)/y;

type List = 'ul' | 'ol' | 'blockquote';

/**
 * Renders a text. May take long, so it runs in a thread that can be ended.
 * @throws CairnError `too-large` when the result is very much larger than the text
 */
export function renderFossilWiki({ text, place, known }: WikiQuestion): string {
  const urls: string[] = [];
  const rendered = new WikiText(text.replaceAll('\r\n', '\n'), (target) => {
    const url = known.get(target);
    if (url === undefined) return undefined;
    urls.push(url);
    return `known:${urls.length - 1}`;
  }).html();
  if (rendered.length > LONGEST_HTML) throw new CairnError('too-large', 'the rendered text is too large');
  return cleanHtml(rendered, place, { known: urls });
}

/** One text. Its HTML is untrusted: tags of the text are in it as they are. */
class WikiText {
  private readonly text: string;
  private readonly knownUrl: (target: string) => string | undefined;
  private at = 0;
  private readonly out: string[] = [];
  private list: List | undefined;
  /** Blocks that were open when the list began. */
  private outside = 0;
  private isInParagraph = false;
  /** Open blocks of HTML. */
  private readonly blocks: string[] = [];

  constructor(text: string, knownUrl: (target: string) => string | undefined) {
    this.text = text;
    this.knownUrl = knownUrl;
  }

  html(): string {
    this.beginLine(true);
    while (this.at < this.text.length) this.step();
    this.endAll();
    return this.out.join('');
  }

  private step(): void {
    const next = this.text[this.at];
    if (next === '\n') this.endLine();
    else if (next === '<') this.tag();
    else if (next === '[') this.link();
    else if (next === '&') {
      const entity = this.match(ENTITY)?.[0];
      this.words(entity ?? '&amp;', entity?.length ?? 1);
    } else {
      const words = this.match(WORDS)?.[0] ?? '';
      this.words(words.replaceAll('>', '&gt;'), words.length);
    }
  }

  private endLine(): void {
    const blank = this.blocks.includes('pre') ? undefined : this.match(BREAK)?.[0];
    this.at += blank?.length ?? 1;
    if (blank !== undefined && this.blocks.length <= this.outside) this.endAll();
    this.out.push(blank === undefined ? '\n' : '\n\n');
    if (blank !== undefined) {
      const block = this.blocks.at(-1);
      if (block !== undefined && WITH_PARAGRAPHS.has(block)) this.out.push('<p>');
    }
    this.beginLine(blank !== undefined);
  }

  /** Reads the margin of a line. @param isFirst whether it is the first one of a paragraph */
  private beginLine(isFirst: boolean): void {
    if (this.blocks.includes('pre')) return;
    const margin = this.match(MARGIN)?.[0] ?? '';
    if (widthOf(margin) < 2) return;
    const bullet = this.match(BULLET, margin.length);
    if (bullet !== undefined && widthOf(bullet[2] ?? '') >= 2) {
      const number = bullet[1];
      this.openList(bullet[0].startsWith('*') ? 'ul' : 'ol');
      this.out.push(number === undefined ? '<li>' : `<li value="${number}">`);
      this.at += margin.length + bullet[0].length;
    } else if (isFirst && this.blocks.length === 0 && /\S/.test(this.text[this.at + margin.length] ?? '')) {
      this.openList('blockquote');
      this.at += margin.length;
    }
  }

  private openList(list: List): void {
    this.endParagraph();
    // Blocks that an item has left open end with it.
    if (this.list !== undefined) this.blocks.length = Math.min(this.blocks.length, this.outside);
    if (this.list === list && list !== 'blockquote') this.out.push('</li>');
    else {
      this.endAll();
      this.out.push(`<${list}>`);
      this.outside = this.blocks.length;
    }
    this.list = list;
  }

  private tag(): void {
    const found = TAG.exec(this.text.slice(this.at, this.at + LONGEST_TAG));
    const [all = '', slash, word = ''] = found ?? [];
    const name = word.toLowerCase();
    const isBlock = name === TITLE || IS_BLOCK.get(name);
    if (slash === '' && (name === 'verbatim' || name === 'nowiki')) this.literal(name, this.at + all.length);
    else if (isBlock === undefined) this.words('&lt;', 1);
    else if (isBlock) this.block(all, name, slash === '');
    else this.words(all, all.length);
  }

  private block(tag: string, name: string, isBegin: boolean): void {
    this.endParagraph();
    const opened = this.blocks.lastIndexOf(name);
    if (!isBegin && this.list !== undefined && opened < this.outside) this.endAll();
    // The title of a page is its heading.
    this.out.push(name === TITLE ? `<${isBegin ? '' : '/'}h1>` : tag);
    this.at += tag.length;
    if (EMPTY.has(name)) return;
    if (isBegin) this.blocks.push(name);
    else if (opened !== -1) this.blocks.length = opened;
  }

  /** Text that is no markup. @param from behind the tag that begins it */
  private literal(name: 'verbatim' | 'nowiki', from: number): void {
    const end = new RegExp(`</${name}\\s*>`, 'ig');
    end.lastIndex = from;
    const found = end.exec(this.text);
    const content = this.text.slice(from, found?.index ?? this.text.length);
    if (name === 'verbatim') {
      this.endParagraph();
      this.out.push(`<pre tabindex="0">${escapeHtml(content)}</pre>`);
    } else {
      this.beginParagraph();
      this.out.push(escapeBrackets(content));
    }
    this.at = found === null ? this.text.length : end.lastIndex;
  }

  private link(): void {
    const rest = this.text.slice(this.at + 1, this.at + LONGEST_LINK);
    const inside = rest.slice(0, Math.max(0, rest.indexOf(']')));
    const bar = inside.indexOf('|');
    const target = (bar === -1 ? inside : inside.slice(0, bar)).trim();
    const label = bar === -1 ? '' : inside.slice(bar + 1).trim();
    const url = this.urlOf(target);
    if (url !== undefined) {
      const shown = label || target.replace(/^wiki:/, '');
      this.words(`<a href="${escapeHtml(url)}">${escapeHtml(shown)}</a>`, inside.length + 2);
    } else if (label !== '') this.words(escapeHtml(label), inside.length + 2);
    else this.words('[', 1);
  }

  /** @returns undefined for a target that is not here */
  private urlOf(target: string): string | undefined {
    if (/^(?:https?:|mailto:)/i.test(target) || /^#./.test(target)) return target;
    const [, path] = /^\/doc\/[^/]+\/(.+)$/s.exec(target) ?? [];
    return this.knownUrl(target) ?? (path === undefined ? undefined : `/${path}`);
  }

  /** HTML that belongs to a paragraph, for the next characters of the text. */
  private words(html: string, length: number): void {
    if (html.trim() !== '') this.beginParagraph();
    this.out.push(html);
    this.at += length;
  }

  private beginParagraph(): void {
    if (this.isInParagraph || this.list !== undefined || this.blocks.length > 0) return;
    this.out.push('<p>');
    this.isInParagraph = true;
  }

  private endParagraph(): void {
    if (this.isInParagraph) this.out.push('</p>');
    this.isInParagraph = false;
  }

  /** Ends paragraph and list. */
  private endAll(): void {
    this.endParagraph();
    if (this.list !== undefined)
      this.out.push(this.list === 'blockquote' ? '</blockquote>' : `</li></${this.list}>`);
    this.list = undefined;
    this.outside = this.blocks.length;
  }

  private match(expression: RegExp, offset = 0): RegExpExecArray | undefined {
    expression.lastIndex = this.at + offset;
    return expression.exec(this.text) ?? undefined;
  }
}

/** A tab counts as two. */
function widthOf(margin: string): number {
  return margin.length + margin.split('\t').length - 1;
}

/** Text with the HTML that it has, but without links of the markup. What is no tag of the markup is text. */
function escapeBrackets(content: string): string {
  return content.replace(/<[^<>]{0,2000}>|[<>]/g, (tag) => {
    const [, word = ''] = /^<\/?([a-z][a-z0-9]*)/i.exec(tag) ?? [];
    return IS_BLOCK.has(word.toLowerCase()) ? tag : escapeHtml(tag);
  });
}
