/** Footnotes, as GitHub and Pandoc have them: `[^name]` in the text, and `[^name]: …` anywhere, with further paragraphs indented by four. */
import type { MarkdownIt, StateBlock, StateCore, StateInline, Token } from 'markdown-it';
import type { TextIds } from './text-ids.ts';

const DEFINITION = /^\[\^([^\s[\]]{1,100})\]:[ \t]*/;
const REFERENCE = /\[\^([^\s[\]]{1,100})\]/y;
/** Characters that a definition may have before its text begins. */
const LONGEST_BEGINNING = 200;
/** References of one text that become links; the others stay as they are written. */
const REFERENCES = 2_000;
/** Links from a footnote back to where it is mentioned. */
const BACK_LINKS = 20;

/** A footnote that the text mentions. */
interface Footnote {
  readonly number: number;
  readonly tokens: Token[];
  references: number;
}

/** Adds the rules to a parser of one text. */
export function addFootnotes(markdown: MarkdownIt, ids: TextIds): void {
  /** Names that are defined, in lower case. All blocks are read before the first reference is looked for. */
  const defined = new Set<string>();
  markdown.block.ruler.before(
    'reference',
    'footnote',
    (state, line, end, silent) => readDefinition(state, line, end, silent, defined),
    { alt: ['paragraph', 'reference'] },
  );
  markdown.inline.ruler.before('link', 'footnote_reference', (state, silent) =>
    readReference(state, silent, defined),
  );
  markdown.core.ruler.after('inline', 'footnotes', (state) => placeFootnotes(state, ids));
}

/** The text of a definition is parsed like that of a list item; {@link placeFootnotes} takes it from there. */
function readDefinition(
  state: StateBlock,
  line: number,
  end: number,
  silent: boolean,
  defined: Set<string>,
): boolean {
  const { bMarks, eMarks, tShift, sCount, blkIndent, parentType } = state;
  const [mark = 0, shift = 0, count = 0] = [bMarks[line], tShift[line], sCount[line]];
  if (count - blkIndent >= 4) return false;
  const start = mark + shift;
  const beginning = state.src.slice(start, Math.min(eMarks[line] ?? start, start + LONGEST_BEGINNING));
  const [all, name] = DEFINITION.exec(beginning) ?? [];
  if (all === undefined || name === undefined) return false;
  if (silent) return true;
  const label = name.toLowerCase();
  defined.add(label);
  state.push('footnote_open', '', 1).meta = { label };
  // What stands before the text is left out of its first line, and what follows has to be indented.
  state.blkIndent = blkIndent + 4;
  state.parentType = 'footnote';
  bMarks[line] = start + all.length;
  tShift[line] = 0;
  sCount[line] = state.blkIndent;
  state.md.block.tokenize(state, line, end);
  bMarks[line] = mark;
  tShift[line] = shift;
  sCount[line] = count;
  state.parentType = parentType;
  state.blkIndent = blkIndent;
  state.push('footnote_close', '', -1);
  return true;
}

function readReference(state: StateInline, silent: boolean, defined: ReadonlySet<string>): boolean {
  // There is no link in a link.
  if (state.linkLevel > 0) return false;
  REFERENCE.lastIndex = state.pos;
  const [all, name] = REFERENCE.exec(state.src) ?? [];
  const label = name?.toLowerCase();
  if (all === undefined || label === undefined || !defined.has(label)) return false;
  if (state.pos + all.length > state.posMax) return false;
  if (!silent) {
    const token = state.push('footnote_reference', '', 0);
    token.content = all;
    token.meta = { label };
  }
  state.pos += all.length;
  return true;
}

/**
 * Numbers the footnotes as the text mentions them, and puts them below it. One that is mentioned nowhere is left out, and so is a second
 * one of the same name.
 */
function placeFootnotes(state: StateCore, ids: TextIds): void {
  const { Token } = state;
  const { text, definitions } = takeDefinitions(state.tokens);
  if (definitions.size === 0) return;
  const number = ids.beginText();
  // With another sign than the number of a reference has: `fnref-2-2` is of the first text.
  const name = number === 1 ? '' : `${number}.`;
  const footnotes = new Map<string, Footnote>();
  let references = 0;
  const refer = (tokens: readonly Token[]) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type !== 'footnote_reference') continue;
      const { label } = token.meta as { readonly label: string };
      const found = footnotes.get(label);
      const definition = found === undefined ? definitions.get(label) : found.tokens;
      if (definition === undefined || ++references > REFERENCES) {
        token.type = 'text';
        continue;
      }
      const footnote = found ?? { number: footnotes.size + 1, tokens: definition, references: 0 };
      footnotes.set(label, footnote);
      footnote.references++;
      token.type = 'html_inline';
      const id = referenceId(name, footnote.number, footnote.references);
      token.content = `<sup><a id="${id}" href="#fn-${name}${footnote.number}" aria-label="Footnote ${footnote.number}">${footnote.number}</a></sup>`;
    }
  };
  refer(text);
  // A footnote may mention others, which join the end of the map.
  for (const { tokens } of footnotes.values()) refer(tokens);
  const html = (content: string) => {
    const token = new Token('html_block', '', 0);
    token.content = content;
    return token;
  };
  state.tokens = text;
  if (footnotes.size === 0) return;
  state.tokens.push(html('<div class="footnotes">\n<ol>\n'));
  for (const footnote of footnotes.values()) {
    const { tokens, number } = footnote;
    state.tokens.push(html(`<li id="fn-${name}${number}">\n`));
    const back = backLinks(name, footnote);
    const last = tokens.at(-1)?.type === 'paragraph_close' ? tokens.at(-2) : undefined;
    if (last?.children == null) tokens.push(html(`<p>${back}</p>\n`));
    else {
      const token = new Token('html_inline', '', 0);
      token.content = ` ${back}`;
      last.children.push(token);
    }
    for (const token of tokens) state.tokens.push(token);
    state.tokens.push(html('</li>\n'));
  }
  state.tokens.push(html('</ol>\n</div>\n'));
}

/** Takes the definitions out of a text, also those within others. */
function takeDefinitions(tokens: readonly Token[]): {
  readonly text: Token[];
  readonly definitions: ReadonlyMap<string, Token[]>;
} {
  const text: Token[] = [];
  const definitions = new Map<string, Token[]>();
  const open: Token[][] = [text];
  for (const token of tokens) {
    if (token.type === 'footnote_open') {
      const { label } = token.meta as { readonly label: string };
      const content: Token[] = [];
      if (!definitions.has(label)) definitions.set(label, content);
      open.push(content);
    } else if (token.type === 'footnote_close') open.pop();
    else open.at(-1)?.push(token);
  }
  return { text, definitions };
}

function backLinks(name: string, { number, references }: Footnote): string {
  return Array.from({ length: Math.min(references, BACK_LINKS) }, (_, at) => {
    const label = `Back to footnote ${number} in the text${at === 0 ? '' : `, place ${at + 1}`}`;
    return `<a class="back" href="#${referenceId(name, number, at + 1)}" aria-label="${label}">↩</a>`;
  }).join(' ');
}

function referenceId(name: string, footnote: number, reference: number): string {
  return `fnref-${name}${footnote}${reference === 1 ? '' : `-${reference}`}`;
}
