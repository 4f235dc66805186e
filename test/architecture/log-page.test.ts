import { expect, it } from 'vitest';
import { readText, sourceFiles } from './source-tree.ts';

/** Files whose warnings have texts made elsewhere; the page describes them. */
const WITH_OTHER_TEXTS = ['src/server/open-git.ts', 'src/cli/serve.ts'];

/** The messages that a file logs: string literals, and templates with `…` for what is put in. */
function messagesIn(path: string): string[] {
  const source = readText(path);
  return [...source.matchAll(/\blog(?:\.(?:debug|info|warn|error|fatal)|\[[^\]]*\])\(/g)].flatMap((call) => {
    const message = lastArgument(source, call.index + call[0].length);
    const [, literal] = /^(['`])([\s\S]*)\1$/.exec(message)?.slice(1) ?? [];
    if (literal !== undefined) return literal.replace(/\$\{[^}]*\}/g, '…');
    const [, one, other] = /\? '([^']*)' : '([^']*)'$/.exec(message) ?? [];
    if (one !== undefined && other !== undefined) return [one, other];
    return WITH_OTHER_TEXTS.includes(path) ? '' : `${path}: ${message}`;
  });
}

/** The last argument of a call whose arguments begin at `start`. */
function lastArgument(source: string, start: number): string {
  let depth = 0;
  let quote = '';
  let from = start;
  for (let at = start; ; at++) {
    const character = source[at] ?? '';
    if (character === '') throw new Error(`a call without an end in ${source.slice(start, start + 80)}`);
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if ('\'"`'.includes(character)) quote = character;
    else if ('([{'.includes(character)) depth++;
    else if (character === ')' && depth === 0) return source.slice(from, at).trim().replace(/,$/, '');
    else if (')]}'.includes(character)) depth--;
    else if (character === ',' && depth === 0 && /[^\s)]/.test(rest(source, at + 1))) from = at + 1;
  }
}

/** The first character behind white space. */
function rest(source: string, at: number): string {
  return /\S/.exec(source.slice(at))?.[0] ?? '';
}

it('the log page lists exactly the messages that are logged (issue 11, point 22)', () => {
  const logged = new Set(sourceFiles().flatMap(({ path }) => messagesIn(path)));
  logged.delete('');
  const page = readText('docs/reference/log.md');
  const documented = new Set(
    page
      .split('\n')
      .flatMap((line) => /^\| (`.*?`) \| \d\d/.exec(line)?.[1] ?? [])
      .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, message = '']) => message)),
  );
  expect(logged.size).toBeGreaterThan(50);
  expect([...logged].filter((message) => !documented.has(message)).sort()).toEqual([]);
  expect([...documented].filter((message) => !logged.has(message)).sort()).toEqual([]);
});
