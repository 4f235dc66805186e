import { expect, it } from 'vitest';
import { nextPage } from '../../../src/sessions/next-page.ts';

it.each([
  '/',
  '/npub1x/repo',
  '/npub1x/repo/tree/main/a%2Fb?x=1&y=//',
  '/fossil/npub1x/a.b/../'.slice(0, -4),
])('%s is accepted as the next page', (path) => {
  expect(nextPage(path)).toBe(path);
});

it.each([
  undefined,
  '',
  'npub1x/repo',
  'https://evil.example/',
  'javascript:alert(1)',
  '//evil.example',
  '/\\evil.example',
  '/a\\b',
  '/a\r\nX: y',
  '/a b',
  '/ä',
  '/../sign-in',
  '/a/%2e%2E/sign-in',
  '/./sign-in',
  '/sign-in',
  '/sign-in?link=x',
  '/Sign-Out',
  `/${'a'.repeat(2_048)}`,
])('%s is refused as the next page', (path) => {
  expect(nextPage(path)).toBe('/');
});
