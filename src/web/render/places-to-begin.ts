import type { Language } from './language-of.ts';

/** A part of a text that may go over several lines. */
interface Span {
  /** Where it begins, as the source of a regular expression. */
  readonly begin: string;
  /** What ends it. */
  readonly end: string;
}

/** What a language has that hides the beginning of something else, or goes over several lines. */
interface Syntax {
  readonly spans: readonly Span[];
  /** Begins of comments that end with their line, as the source of a regular expression. */
  readonly comment?: string;
  /** Delimiters of strings that end with their line. */
  readonly quotes?: string;
  /** Whether it has templates, which have code inside, and regular expressions. */
  readonly script?: true;
}

const COMMENT: Span = { begin: '/\\*', end: '*/' };
const TEXT: Span = { begin: '"""', end: '"""' };
const C: Syntax = { spans: [COMMENT], comment: '//', quotes: `"'` };
const WITH_TEXT: Syntax = { ...C, spans: [COMMENT, TEXT] };
const ONE_LINE: Syntax = { spans: [] };

/** Languages whose lines depend on earlier ones in few ways. In others, every line may depend on all before it. */
const SYNTAXES: Partial<Record<Language, Syntax>> = {
  arduino: C,
  c: C,
  cpp: C,
  csharp: { ...C, spans: [COMMENT, TEXT, { begin: '[@$]{1,2}"', end: '"' }] },
  css: { ...C, comment: '(?!)' },
  diff: ONE_LINE,
  glsl: C,
  go: { ...C, spans: [COMMENT, { begin: '`', end: '`' }] },
  gradle: WITH_TEXT,
  groovy: WITH_TEXT,
  ini: ONE_LINE,
  java: WITH_TEXT,
  javascript: { ...C, script: true },
  json: ONE_LINE,
  kotlin: WITH_TEXT,
  less: C,
  makefile: ONE_LINE,
  markdown: {
    spans: [
      { begin: '(?<![^\\n])```', end: '\n```' },
      { begin: '(?<![^\\n])~~~', end: '\n~~~' },
      { begin: '<!--', end: '-->' },
    ],
  },
  objectivec: C,
  properties: ONE_LINE,
  protobuf: C,
  python: { spans: [TEXT, { begin: "'''", end: "'''" }], comment: '#', quotes: `"'` },
  scala: WITH_TEXT,
  scss: C,
  swift: WITH_TEXT,
  typescript: { ...C, script: true },
  xml: {
    spans: [
      { begin: '<!--', end: '-->' },
      { begin: '<!\\[CDATA\\[', end: ']]>' },
      { begin: '<script\\b', end: '</script' },
      { begin: '<style\\b', end: '</style' },
      { begin: '<[A-Za-z/!?]', end: '>' },
    ],
  },
};

/** After these, `/` begins a regular expression. */
const REGEXP =
  '(?<=[=(,:[!&|?{};>]\\s{0,40})/(?![*/])(?:[^/\\\\\\n[]|\\\\.|\\[(?:[^\\]\\\\\\n]|\\\\.){0,200}\\]){1,200}/';

/**
 * Tells from where lines have to be read: from the beginning of what began on an earlier line and is still open, such as a comment or
 * a template, otherwise from themselves. It is a quick look at the text, which may be wrong about code that is written to deceive it.
 * Then the colours of a line are wrong.
 * @param starts places in the text where a line begins, in ascending order
 * @returns a place for each of them, not behind it; undefined if nothing is known about the language
 */
export function placesToBegin(
  text: string,
  language: Language,
  starts: readonly number[],
): readonly number[] | undefined {
  const syntax = SYNTAXES[language];
  if (syntax === undefined) return undefined;
  const places = [...starts];
  const last = starts.at(-1) ?? 0;
  const tokens = tokensOf(syntax);
  let next = 0;
  for (let token = tokens.exec(text); token !== null && token.index < last; token = tokens.exec(text)) {
    const { index, groups = {} } = token;
    const after = index + token[0].length;
    const span = syntax.spans.find((_, at) => groups[`span${at}`] !== undefined);
    let end = after;
    if (span !== undefined) end = endOf(text, span.end, after);
    else if (groups['template'] !== undefined) end = endOfTemplate(text, after);
    else if (groups['comment'] !== undefined) end = lineEnd(text, after);
    const isOpen = span !== undefined || groups['template'] !== undefined;
    for (; next < starts.length && (starts[next] ?? 0) < end; next++) {
      if (isOpen && (starts[next] ?? 0) > index) places[next] = index;
    }
    tokens.lastIndex = Math.max(end, after);
  }
  return places;
}

function tokensOf({ spans, comment, quotes = '', script }: Syntax): RegExp {
  const parts = spans.map(({ begin }, at) => `(?<span${at}>${begin})`);
  if (comment !== undefined) parts.push(`(?<comment>${comment})`);
  if (script) parts.push('(?<template>`)', REGEXP);
  // A string that is not closed ends with its line.
  for (const quote of quotes) parts.push(`${quote}(?:[^${quote}\\\\\\n]|\\\\.)*${quote}?`);
  return new RegExp(parts.length === 0 ? '(?!)' : parts.join('|'), 'g');
}

function endOf(text: string, end: string, from: number): number {
  const at = text.indexOf(end, from);
  return at === -1 ? text.length + 1 : at + end.length;
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at === -1 ? text.length : at;
}

/** What counts in a template and in the code inside it. Strings there end with their line. */
const IN_TEMPLATE = /\\[\s\S]|\$\{|[`{}]|\/[/*]|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;

/** The end of a template, which may have code inside, and that other templates. @param from behind its first backtick */
function endOfTemplate(text: string, from: number): number {
  /** How many braces are open in each `${` that is open. The text of a template is undefined. */
  const open: (number | undefined)[] = [undefined];
  const tokens = new RegExp(IN_TEMPLATE);
  tokens.lastIndex = from;
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    const [word] = token;
    const braces = open.at(-1);
    if (braces === undefined) {
      if (word === '${') open.push(0);
      else if (word === '`') open.pop();
      // In text, quotes and slashes mean nothing.
      else if (!word.startsWith('\\')) tokens.lastIndex = token.index + 1;
      if (open.length === 0) return tokens.lastIndex;
    } else if (word === '`') open.push(undefined);
    else if (word === '{' || word === '${') open[open.length - 1] = braces + 1;
    else if (word === '}' && braces === 0) open.pop();
    else if (word === '}') open[open.length - 1] = braces - 1;
    else if (word === '//') tokens.lastIndex = lineEnd(text, tokens.lastIndex);
    else if (word === '/*') tokens.lastIndex = endOf(text, '*/', tokens.lastIndex);
  }
  return text.length + 1;
}
