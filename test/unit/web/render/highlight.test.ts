import { expect, it } from 'vitest';
import { highlightCode } from '../../../../src/web/render/highlight.ts';

it('marks keywords, and knows what it does not know', () => {
  expect(highlightCode('const a = 1 < 2;', 'typescript')).toContain(
    '<span class="hljs-keyword">const</span>',
  );
  expect(highlightCode('const a = 1 < 2;', 'typescript')).toContain('&lt;');
  expect(highlightCode('x', 'no-such-language')).toBeUndefined();
});
