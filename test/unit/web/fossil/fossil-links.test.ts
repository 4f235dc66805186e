import { expect, it } from 'vitest';
import { FossilLinks } from '../../../../src/web/fossil/fossil-links.ts';
import { readFossilPath } from '../../../../src/web/fossil/fossil-path.ts';
import { FOSSIL_ID } from '../../../helpers/fossil-rig.ts';

const BASE = 'https://git.example.org';
const links = new FossilLinks(BASE, FOSSIL_ID);

// Titles that `fossil wiki create` takes. "." and ".." alone have no URL that browsers keep.
it.each(['Home', 'a/b', 'a//b', '/x', 'x/', '/', 'a/../b', './a', 'a b', 'a%2Fb', 'ä?#', '...', 'a/...'])(
  'a browser that follows the link to %j asks for that page',
  (title) => {
    const { pathname } = new URL(links.at('wiki', undefined, title), BASE);
    const path = readFossilPath(pathname);
    expect([path?.word, path?.segments.join('/')]).toEqual(['wiki', title]);
  },
);

it('the path of a file has a segment for each folder', () => {
  expect(links.at('file', 'tip', 'a b/.c')).toBe(`${links.repository}/file/tip/a%20b/.c`);
});
