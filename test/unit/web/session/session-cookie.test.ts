import { expect, it } from 'vitest';
import { SessionCookie } from '../../../../src/web/session/session-cookie.ts';

it.each([
  ['https://git.example.org', '__Host-cairn-session', 'Path=/; HttpOnly; SameSite=Lax; Secure'],
  // Other services of the host have other paths, so the cookie must not go to all of them.
  ['https://example.org/git', '__Secure-cairn-session', 'Path=/git; HttpOnly; SameSite=Lax; Secure'],
  ['http://127.0.0.1:8080', 'cairn-session', 'Path=/; HttpOnly; SameSite=Lax'],
])('the cookie at %s is %s', (base, name, attributes) => {
  const cookie = new SessionCookie(base);
  expect(cookie.begin('abc.def', 60)).toBe(`${name}=abc.def; Max-Age=60; ${attributes}`);
  expect(cookie.end()).toBe(`${name}=; Max-Age=0; ${attributes}`);
  expect(cookie.read(`a=1; ${name}=abc.def; b=2`)).toBe('abc.def');
});

it('two session cookies count as none, because a neighbour in the domain may have set one', () => {
  const cookie = new SessionCookie('http://127.0.0.1:8080');
  expect(cookie.read('cairn-session=a; cairn-session=b')).toBeUndefined();
  expect(cookie.read('cairn-session=a; cairn-session=a')).toBeUndefined();
  expect(cookie.read('xcairn-session=a')).toBeUndefined();
  expect(cookie.read(undefined)).toBeUndefined();
});
