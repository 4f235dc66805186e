import { describe, expect, it } from 'vitest';
import { formatNpub } from '../../../src/nostr/public-key.ts';
import { readPagePath } from '../../../src/web/page-path.ts';

const OWNER = '3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d';
const NPUB = formatNpub(OWNER);

describe('the path of a page', () => {
  it.each([
    ['as GRASP has it', `/${NPUB}/tool.git`, 'tool'],
    ['without .git', `/${NPUB}/tool`, 'tool'],
    ['with a slash behind', `/${NPUB}/tool/`, 'tool'],
    ['below /git, by npub', `/git/${NPUB}/tool.git`, 'tool'],
    ['below /git, in hex', `/git/${OWNER}/tool`, 'tool'],
    ['with spaces and pictures', `/${NPUB}/my%20%F0%9F%9A%80%20repo.git`, 'my 🚀 repo'],
    ['decoded once', `/${NPUB}/100%2525`, '100%25'],
    ['with a colon', `/${NPUB}/a:b`, 'a:b'],
    ['in the name of git itself', `/${NPUB}/git.git`, 'git'],
  ])('%s', (_, path, identifier) => {
    expect(readPagePath(path)).toMatchObject({ owner: OWNER, identifier });
  });

  it.each([
    ['the front page', '/'],
    ['an owner alone', `/${NPUB}`],
    ['hex outside /git', `/${OWNER}/tool`],
    ['upper-case hex', `/git/${OWNER.toUpperCase()}/tool`],
    ['an npub with a wrong character', `/${NPUB.slice(0, -1)}q/tool`],
    ['something of git', `/${NPUB}/tool.git/info/refs`],
    ['something of git below /git', `/git/${NPUB}/tool.git/HEAD`],
    ['nothing but .git', `/${NPUB}/.git`],
    ['.git twice', `/${NPUB}/tool.git.git`],
    ['a slash in the name', `/${NPUB}/..%2f..%2fetc`],
    ['a backslash', `/${NPUB}/a%5cb`],
    ['NUL', `/${NPUB}/a%00b`],
    ['dots', `/${NPUB}/%2e%2e`],
    ['overlong UTF-8', `/${NPUB}/%c0%ae%c0%ae`],
    ['half an escape', `/${NPUB}/50%`],
    ['a name that is too long', `/${NPUB}/${'x'.repeat(257)}`],
    ['two slashes', `//${NPUB}/tool`],
  ])('is not %s', (_, path) => {
    expect(readPagePath(path)).toBeUndefined();
  });
});
