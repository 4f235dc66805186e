import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderFossilWiki } from '../../../../src/web/render/fossil-wiki.ts';
import { FossilClient, noFossil } from '../../../helpers/fossil.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { testSeed } from '../../../helpers/test-seed.ts';

const place = { files: '/files', raw: '/raw', folder: [] };
const render = (text: string, known: readonly (readonly [string, string])[] = []) =>
  renderFossilWiki({ text, place, known: new Map(known) });

it.each([
  ['One\ntwo\n\nthree', '<p>One\ntwo</p>\n\n<p>three</p>'],
  ['  *  a\n  *  b\nmore\n\nc', '<ul><li>a\n</li><li>b\nmore</li></ul>\n\n<p>c</p>'],
  ['\t#\ta\n  7.  b\n  8  c', '<ol><li>a\n</li><li value="7">b\n</li><li value="8">c</li></ol>'],
  [' *  a\n  * b\n  *a', '<p> *  a\n  * b\n  *a</p>'],
  ['a\n\n  b\n  c', '<p>a</p>\n\n<blockquote>b\n  c</blockquote>'],
  ['<title>T &amp; U</title>\na', '<h1>T &amp; U</h1>\n<p>a</p>'],
  [
    'a <verbatim><b>[x]\n\n  *  y</verbatim> z',
    '<p>a </p><pre tabindex="0">&lt;b&gt;[x]\n\n  *  y</pre><p> z</p>',
  ],
  ['<nowiki>[a|b] <b>c</b> <x></nowiki>', '<p>[a|b] <b>c</b> &lt;x&gt;</p>'],
  ['<pre>\n  *  a\n\nb</pre>', '<pre>\n  *  a\n\nb</pre>'],
  ['  *  a <verbatim>x</verbatim>\n  *  b', '<ul><li>a <pre tabindex="0">x</pre>\n</li><li>b</li></ul>'],
  ['<td>a\n\nb</td>', '<td>a\n\n<p>b</p></td>'],
  ['1 < 2 && <nosuch> &copy; &none;', '<p>1 &lt; 2 &amp;&amp; &lt;nosuch&gt; © &amp;none;</p>'],
  ['[#a|to a] <a name="a">', '<p><a href="#user-content-a">to a</a> <a id="user-content-a"></a></p>'],
  ['[/doc/trunk/www/a b.md|doc]', '<p><a href="/files/www/a%20b.md">doc</a></p>'],
  ['[] [1] [a\nb', '<p>[] [1] [a\nb</p>'],
  ['[javascript:alert(1)|x] [nowhere|y]', '<p>x y</p>'],
])('%j becomes %j', (text, html) => {
  expect(render(text)).toBe(html);
});

it('links to pages that are here lead to them, and a text cannot make others', () => {
  const known = [
    ['Home', '/wiki/Home'],
    ['wiki:Plan', '/wiki/Plan'],
  ] as const;
  const text =
    '[Home] [ Home |start] [wiki:Plan] <a href="known:0">a</a> <a href="known:9">b</a> [known:1|c]';
  const home = '<a href="/wiki/Home">';
  expect(render(text, known)).toBe(
    `<p>${home}Home</a> ${home}start</a> <a href="/wiki/Plan">Plan</a> ${home}a</a> <a>b</a> c</p>`,
  );
});

it('hostile text takes time in proportion to its length', () => {
  const parts = [
    '[',
    '<a "',
    "<b '",
    '<nowiki>',
    '<verbatim>',
    '&',
    '  *  ',
    '\n  *  <ul>',
    '\n\n\t',
    '<p',
    '[a|',
    ' \n',
    '</ul>',
  ];
  // In the square of its length each of them would take minutes, longer than a test may.
  for (const part of parts) expect(typeof render(part.repeat(200_000 / part.length)), part).toBe('string');
});

describe.skipIf(noFossil !== undefined)(`as Fossil renders it (${noFossil ?? 'stock'})`, () => {
  it('random texts have the same elements and words', async () => {
    const seed = testSeed();
    const random = new SeededRandom(seed);
    const folder = await mkdtemp(join(tmpdir(), 'cairn-wiki-'));
    try {
      const client = new FossilClient(folder);
      for (let at = 0; at < 25; at++) {
        const text = randomText(random);
        await writeFile(join(folder, 't.wiki'), text);
        const { stdout } = await client.try(['test-wiki-render', 't.wiki']);
        expect(skeleton(render(text)), `seed ${seed}\n${text}`).toBe(skeleton(stdout));
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

const INLINE = [
  'word',
  '<b>bold</b>',
  '<i>it</i> <tt>x</tt>',
  'a < b',
  '[https://example.org/|Site]',
  '[https://example.org/x]',
  '[#here|Here]',
  '<nowiki>[not|this]</nowiki>',
  '&lt;tag&gt;',
  '<script>no</script>',
  '* star',
  '5. five',
];
const BLOCKS = [
  '<h2>Head</h2>',
  '<verbatim>\n  *  <b>raw</b>\n</verbatim>',
  '<table><tr><td>one</td><td>two</td></tr></table>',
  '<hr>',
];

/** Lines of all kinds. Lists stand apart from blocks, with which Fossil's own elements are not always well nested. */
function randomText(random: SeededRandom): string {
  const words = () => Array.from({ length: 1 + random.below(3) }, () => random.pick(INLINE)).join(' ');
  const parts = Array.from({ length: 2 + random.below(6) }, () => {
    switch (random.below(4)) {
      case 0:
        return `${random.pick(BLOCKS)}\n\n`;
      case 1:
        return `${Array.from({ length: 1 + random.below(4) }, () => `${random.pick(['  *  ', '\t*\t', '   #  ', '  3.  '])}${words()}\n`).join('')}\n`;
      case 2:
        return `    ${words()}\n${words()}\n\n`;
      default:
        return `${words()}\n${words()}\n\n`;
    }
  });
  return `Begin\n\n${parts.join('')}`;
}

/** Elements without attributes, and words. Paragraphs are left out: Fossil marks them only sometimes. */
function skeleton(html: string): string {
  return html
    .replace(/<\/?p\b[^>]*>/g, '')
    .replace(/<(\/?[a-z0-9]+)[^>]*>/g, '<$1>')
    .replace(/&gt;/g, '>')
    .replace(/\s*(<[^<>]*>)\s*/g, '$1')
    .replace(/\s+/g, ' ')
    .trim();
}
