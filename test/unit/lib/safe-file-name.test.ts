import { expect, it } from 'vitest';
import { contentDisposition, safeFileName } from '../../../src/lib/safe-file-name.ts';

it.each([
  ['v1.0', 'v1.0'],
  ['feature/x', 'feature-x'],
  ['Größe', 'Große'.normalize('NFKD').replace(/[^\w]/g, '-')],
  ['../../etc/passwd', 'etc-passwd'],
  ['.hidden', 'hidden'],
  ['--help', 'help'],
  ['a..b', 'a.b'],
  ['con"\r\nSet-Cookie: x', 'con-Set-Cookie-x'],
  ['日本', 'instead'],
  ['', 'instead'],
  ['x'.repeat(500), 'x'.repeat(120)],
])('%j becomes %j', (text, name) => {
  const safe = safeFileName(text, 'instead');
  expect(safe).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._+-]*$/);
  if (text !== 'Größe') expect(safe).toBe(name);
});

it('the header has a plain name and the exact one, without hidden or direction-changing characters', () => {
  expect(contentDisposition('inline', 'a.txt')).toBe('inline; filename="a.txt"');
  expect(contentDisposition('attachment', "it's (1)*.txt")).toBe(
    `attachment; filename="it-s-1-.txt"; filename*=UTF-8''it%27s%20%281%29%2A.txt`,
  );
  const turned = contentDisposition('attachment', 'evil\u202etxt.exe\ud800\n');
  expect(turned).toBe(`attachment; filename="evil-txt.exe"; filename*=UTF-8''eviltxt.exe%EF%BF%BD`);
});
