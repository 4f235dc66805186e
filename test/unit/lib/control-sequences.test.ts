import { expect, it } from 'vitest';
import { withoutSequences } from '../../../src/lib/control-sequences.ts';

const ESC = '\u001b';

it.each([
  ['colours', `a${ESC}[31;1mb${ESC}[0m`, 'ab'],
  ['a title, however it ends', `${ESC}]0;title\u0007a${ESC}]8;;https://x${ESC}\\b`, 'ab'],
  ['the same of eight bits', '\u009b31ma\u009d0;title\u009cb\u009d0;title', 'ab'],
  ['single functions', `${ESC}Ma${ESC}Db`, 'ab'],
  ['what is no sequence', 'a[31mb\r\nc\t', 'a[31mb\r\nc\t'],
])('%s', (_, text, plain) => {
  expect(withoutSequences(text)).toBe(plain);
});
