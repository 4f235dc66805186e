import { expect, it } from 'vitest';
import { atomFeed } from '../../../../src/web/code/feeds/atom.ts';

it('a feed is valid XML for any text, with the date of its last change', () => {
  const entry = { url: 'https://x/?a=1&b=2', author: 'A <b>', text: 'a\0b\ud800\u0008]]>', updated: 86_400 };
  const feed = atomFeed({
    title: 'T & "t"',
    page: 'https://x/tags',
    self: 'https://x/tags/feed.atom',
    entries: [
      { ...entry, title: '</title>' },
      { ...entry, title: 'far', version: 'v', updated: 8_640_000_000_000 },
      { ...entry, title: 'x'.repeat(1_000), updated: -8_640_000_000_000 },
    ],
  });
  expect(feed).not.toMatch(/[^\t\n\u0020-\ud7ff\ue000-\ufffd]/u);
  expect([...feed.matchAll(/<updated>(.*?)<\/updated>/g)].map(([, date]) => date)).toEqual([
    '9999-12-31T23:59:59Z',
    '1970-01-02T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '0000-01-01T00:00:00Z',
  ]);
  expect(feed).toContain('<title>T &#38; &#34;t&#34;</title>');
  expect(feed).toContain('<id>https://x/?a=1&#38;b=2#v</id>');
  // What is open is closed: every tag of the feed is one of its own.
  const tags = [...feed.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)].filter(([, , , end]) => end === '');
  const open: string[] = [];
  for (const [, end, name = ''] of tags) {
    if (end === '') open.push(name);
    else expect(open.pop()).toBe(name);
  }
  expect(open).toEqual([]);
});
