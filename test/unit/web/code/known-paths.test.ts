import { describe, expect, it } from 'vitest';
import { formatNpub } from '../../../../src/nostr/public-key.ts';
import { readCodePath } from '../../../../src/web/code/code-path.ts';
import { KnownPaths } from '../../../../src/web/code/known-paths.ts';

const NPUB = formatNpub('ab'.repeat(32));

describe('the path of a page', () => {
  it.each([
    `/${NPUB}/name/tree/main/a%20b`,
    `/${NPUB}/name/compare/a%2Fb...c`,
    `/${NPUB}/na%C3%AFve/file/0123/x`,
  ])('%s means the same when it is asked for again', (pathname) => {
    const paths = new KnownPaths();
    const first = paths.read(pathname);
    expect(first).toEqual(readCodePath(pathname));
    expect(first).toBeDefined();
    expect(paths.read(pathname)).toBe(first);
  });

  it('of a repository itself has no word', () => {
    const paths = new KnownPaths();
    for (const pathname of [`/${NPUB}/name`, `/${NPUB}/name`, `/git/${NPUB}/name.git/`]) {
      expect(paths.read(pathname)).toMatchObject({ id: { identifier: 'name' }, word: '', segments: [] });
    }
  });

  it('that is none is none each time', () => {
    const paths = new KnownPaths();
    for (const pathname of ['/', '/sign-in', `/${NPUB}/name/tree/%zz`, `/${NPUB}/name/tree/%zz`]) {
      expect(paths.read(pathname)).toBeUndefined();
    }
  });

  it('is forgotten where others are asked for, whatever their length', () => {
    const paths = new KnownPaths();
    const pathname = `/${NPUB}/name/tree/main`;
    const first = paths.read(pathname);
    for (let at = 0; at < 20; at++) paths.read(`/${NPUB}/name/tree/${at}/${'a/'.repeat(500)}`);
    expect(paths.read(pathname)).not.toBe(first);
    expect(paths.read(pathname)).toEqual(first);
  });
});
