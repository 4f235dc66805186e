import { describe, expect, it } from 'vitest';
import { normalTarget } from '../../../src/http/request-target.ts';

describe('a request target (issue 11, point 18)', () => {
  it.each([
    ['/git/a/b.git/info/refs?service=x', '/git/a/b.git/info/refs?service=x'],
    ['//git/a/b.git/info/refs', '/git/a/b.git/info/refs'],
    ['///git//a///b.git//info/refs?service=//x', '/git/a/b.git/info/refs?service=//x'],
    ['http://host/git/a/b.git/info/refs?service=x', '/git/a/b.git/info/refs?service=x'],
    ['HTTPS://host:8080//git/a/b', '/git/a/b'],
    ['http://host', '/'],
    ['http://host/', '/'],
    ['http://host?x=y', '/?x=y'],
    ['http://[::1]:80/x', '/x'],
    ['/', '/'],
    ['//', '/'],
    ['*', '*'],
    // Not decoded: an encoded slash is part of a name, and a URL in a path is a path.
    ['/git/a/%2F%2Fb/info/refs', '/git/a/%2F%2Fb/info/refs'],
    ['/git/http://x', '/git/http:/x'],
  ])('%s is %s', (target, normal) => {
    expect(normalTarget(target)).toBe(normal);
  });
});
