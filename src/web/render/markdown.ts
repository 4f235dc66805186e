import createMarkdown, { type MarkdownIt } from 'markdown-it';
import { CairnError } from '../../lib/errors.ts';
import { highlightCode } from './highlight.ts';
import { cleanHtml } from './markdown-clean.ts';
import type { MarkdownPlace } from './markdown-links.ts';
import { addRules } from './markdown-rules.ts';
import { TextIds } from './text-ids.ts';

export interface MarkdownQuestion {
  /** Untrusted. */
  readonly text: string;
  readonly place: MarkdownPlace;
}

/** Most characters of the result: a short text can repeat a long link many times. */
const LONGEST_HTML = 4 * 1024 * 1024;
/** Characters of code that are marked, in one block and in all blocks of a text. */
const MARKED_BLOCK = 20_000;
const MARKED = 100_000;
/** Lists and quotes within each other. */
const NESTING = 40;

/**
 * Renders Markdown as HTML that runs nothing and loads nothing from elsewhere. Expects what people expect of a README: tables,
 * task lists, footnotes, strikethrough, links as plain text, anchors of headings, alerts, and HTML as far as it is harmless. May take
 * very long, so it runs in a thread that can be ended.
 * @param ids of the texts before it on the same page, where links of one lead to another
 * @throws CairnError `too-large` when the result is very much larger than the text
 */
export function renderMarkdown({ text, place }: MarkdownQuestion, ids: TextIds = new TextIds()): string {
  const rendered = parser(ids).render(withFrontMatterAsCode(text));
  if (rendered.length > LONGEST_HTML) throw new CairnError('too-large', 'the rendered text is too large');
  return cleanHtml(rendered, place, { ids });
}

function parser(ids: TextIds): MarkdownIt {
  let left = MARKED;
  const markdown = createMarkdown({
    html: true,
    linkify: true,
    maxNesting: NESTING,
    highlight: (code, language) => {
      if (code.length > Math.min(MARKED_BLOCK, left)) return '';
      left -= code.length;
      return highlightCode(code, language.toLowerCase()) ?? '';
    },
  });
  // File names look like hosts: `README.md` is not one.
  markdown.linkify.set({ fuzzyLink: false });
  markdown.linkify.add('nostr:', { validate: lengthOfNostrName });
  addRules(markdown, ids);
  const { rules } = markdown.renderer;
  rules['table_open'] = () => '<div class="scroll" tabindex="0"><table>\n';
  rules['table_close'] = () => '</table></div>\n';
  const { fence, code_block: indented } = rules;
  if (fence !== undefined) rules['fence'] = (...args) => focusable(fence(...args));
  if (indented !== undefined) rules['code_block'] = (...args) => focusable(indented(...args));
  return markdown;
}

/** @returns how many characters after `nostr:` name something there (NIP-21) */
function lengthOfNostrName(text: string, position: number): number {
  const [name = ''] =
    /^(?:npub|nprofile|note|nevent|naddr)1[a-z0-9]+/.exec(text.slice(position, position + 500)) ?? [];
  return name.length;
}

/** Wide code scrolls, so the keyboard has to reach it. */
function focusable(html: string): string {
  return html.replace(/^<pre>/, '<pre tabindex="0">');
}

/** Facts about a file for other programs, between two lines of hyphens at its beginning, are no text. */
function withFrontMatterAsCode(text: string): string {
  const [all, facts] =
    /^---[ \t]*\r?\n((?:(?!---)[^\n]{0,2000}\n){1,200})---[ \t]*(?:\r?\n|$)/.exec(text) ?? [];
  if (all === undefined || facts === undefined || facts.includes('```')) return text;
  return `\`\`\`yaml\n${facts}\`\`\`\n\n${text.slice(all.length)}`;
}
