import { describe, expect, it } from 'vitest';
import { gitSpace, parseGitPath } from '../../../../src/http/git/git-path.ts';
import { formatNpub } from '../../../../src/nostr/public-key.ts';

const owner = 'a'.repeat(64);
const npub = formatNpub(owner);

describe('a path', () => {
  it.each([
    [`/git/${owner}/x.git/info/refs`, 'git'],
    [`/git/${npub}/x/git-upload-pack`, 'git'],
    [`/git/nobody/x.git/info/refs`, 'git'],
    [`/git/${owner}/x.git/HEAD`, 'git'],
    [`/${npub}/x.git/info/refs`, 'grasp'],
    ['/npub1damaged/x.git/info/refs', 'grasp'],
    [`/git/${owner}/x.git`, undefined],
    [`/git/${owner}/x.git/`, undefined],
    [`/${npub}/x.git`, undefined],
    [`/${npub}/x`, undefined],
    [`/${npub}/x/`, undefined],
    [`/${owner}/x.git/info/refs`, undefined],
    ['/', undefined],
    ['/git/', undefined],
    ['/metrics', undefined],
    [`/prs/${npub}/x.git/info/refs`, undefined],
  ])('%s is in the space %s', (path, space) => {
    expect(gitSpace(path)).toBe(space);
  });

  it.each([
    [`/git/${owner}/x.git/info/refs`, 'git', 'x', 'info/refs'],
    [`/git/${npub}/x/git-upload-pack`, 'git', 'x', 'git-upload-pack'],
    [`/${npub}/x.git/git-receive-pack`, 'grasp', 'x', 'git-receive-pack'],
    [`/${npub}/x/info/refs`, 'grasp', 'x', 'info/refs'],
    [`/${npub}/my%20project%20%F0%9F%9A%80.git/info/refs`, 'grasp', 'my project 🚀', 'info/refs'],
    [`/${npub}/a:b.git/info/refs`, 'grasp', 'a:b', 'info/refs'],
    // Decoded once: what is left is part of the name.
    [`/${npub}/%252e%252e%252fx.git/info/refs`, 'grasp', '%2e%2e%2fx', 'info/refs'],
  ])('%s belongs to a repository', (path, space, identifier, endpoint) => {
    const parsed = parseGitPath(path);
    expect(parsed).toMatchObject({ space, endpoint, id: { owner, identifier } });
  });

  it.each([
    [`/${npub}/..%2fx.git/info/refs`, 'slash or backslash'],
    [`/${npub}/%2e%2e.git/info/refs`, 'cannot be "." or ".."'],
    [`/${npub}/x%00.git/info/refs`, 'control character'],
    [`/${npub}/%c0%ae%c0%ae.git/info/refs`, 'percent-encoded UTF-8'],
    [`/${npub}/%ed%a0%80.git/info/refs`, 'percent-encoded UTF-8'],
    [`/${npub}/${'x'.repeat(257)}.git/info/refs`, 'longer than 256 bytes'],
    [`/${npub}/.git/info/refs`, 'is empty'],
    [`/${npub}/x.git.git/info/refs`, 'cannot end in ".git"'],
    ['/npub1damaged/x.git/info/refs', 'not a valid npub'],
    [`/${npub.toUpperCase()}/x.git/info/refs`, 'not a repository'],
  ])('%s belongs to no repository', (path, reason) => {
    expect(() => parseGitPath(path)).toThrow(reason);
  });
});
