import hljs from 'highlight.js';

/**
 * Marks the words of source code with the classes of highlight.js.
 * @param language as highlight.js names it
 * @returns HTML; undefined for a language that it does not know
 */
export function highlightCode(code: string, language: string): string | undefined {
  if (hljs.getLanguage(language) === undefined) return undefined;
  return hljs.highlight(code, { language, ignoreIllegals: true }).value;
}
