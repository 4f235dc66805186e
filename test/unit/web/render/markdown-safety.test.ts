/** Hostile Markdown, and hostile wiki text of Fossil: of what remains, nothing runs and nothing is loaded from elsewhere. */
import { describe, expect, it } from 'vitest';
import { renderFossilWiki } from '../../../../src/web/render/fossil-wiki.ts';
import { renderMarkdown } from '../../../../src/web/render/markdown.ts';

const VECTORS: readonly string[] = [
  '<script>alert(1)</script>',
  '<SCRIPT SRC=//e.example/x.js></SCRIPT>',
  '<script>alert(1)',
  '<scr<script>ipt>alert(1)</scr</script>ipt>',
  '<script/x>alert(1)</script>',
  '<svg><script>alert(1)</script></svg>',
  '<svg onload=alert(1)>',
  '<svg><animate onbegin=alert(1) attributeName=x dur=1s>',
  '<svg><a xlink:href="javascript:alert(1)"><text y=20>x</text></a></svg>',
  '<svg><use href="data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg onload=alert(1)>#x"/></svg>',
  '<svg><style><img src=x onerror=alert(1)></style></svg>',
  '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">',
  '<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
  '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
  '<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=alert(1) src>">',
  '<img src=x onerror=alert(1)>',
  '<img src="x` `<script>alert(1)</script>"` `>',
  '<img """><script>alert(1)</script>">',
  '<img/src="x"/onerror=alert(1)>',
  '<img src=https://e.example/pixel.gif>',
  '<img src=//e.example/pixel.gif>',
  '<img src="\\\\e.example/pixel.gif">',
  '<img src="/\\e.example/pixel.gif">',
  '<img src=" \t\nhttps://e.example/pixel.gif">',
  '<img srcset="https://e.example/pixel.gif 1x">',
  '<picture><source srcset="https://e.example/a.png"><img src="https://e.example/b.png"></picture>',
  '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
  '<img lowsrc="javascript:alert(1)" dynsrc="https://e.example/">',
  '<video src=https://e.example/v.mp4 autoplay></video>',
  '<video poster=https://e.example/p.png><source src=x onerror=alert(1)></video>',
  '<audio src=https://e.example/a.mp3 autoplay></audio>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<object data="javascript:alert(1)"></object>',
  '<embed src="https://e.example/x.swf">',
  '<applet code=x></applet>',
  '<link rel=stylesheet href=https://e.example/x.css>',
  '<style>@import "https://e.example/x.css"; body { display: none }</style>',
  '<p style="background:url(https://e.example/x)">x</p>',
  '<div style="position:fixed;inset:0">over all</div>',
  '<base href="https://e.example/">',
  '<meta http-equiv=refresh content="0;url=https://e.example/">',
  '<form action="https://e.example/"><input name=password><button>Sign in</button></form>',
  '<input type=image src=https://e.example/x.png>',
  '<input autofocus onfocus=alert(1)>',
  '<select autofocus onfocus=alert(1)><option>x</select>',
  '<textarea><img src=x onerror=alert(1)></textarea>',
  '<button formaction=javascript:alert(1)>x</button>',
  '<details open ontoggle=alert(1)><summary>x</summary></details>',
  '<marquee onstart=alert(1)>x</marquee>',
  '<body onload=alert(1) background=https://e.example/x>',
  '<table background=https://e.example/x><td background=javascript:alert(1)>x</table>',
  '<a href="javascript:alert(1)">x</a>',
  '<a href=" &#1; java&#x09;script:alert(1)">x</a>',
  '<a href="java\nscript:alert(1)">x</a>',
  '<a href="&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1)">x</a>',
  '<a href="JaVaScRiPt:alert(1)">x</a>',
  '<a href="vbscript:msgbox(1)">x</a>',
  '<a href="data:text/html,<script>alert(1)</script>">x</a>',
  '<a href="blob:https://e.example/x">x</a>',
  '<a href="https://e.example" target=_blank ping=https://e.example/>x</a>',
  '<a href="x" onclick=alert(1) onmouseover="alert(1)">x</a>',
  '[x](javascript:alert(1))',
  '[x](<java\tscript:alert(1)>)',
  '[x](javascript&colon;alert(1))',
  '[x]( JAVASCRIPT:alert(1))',
  '[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)',
  '![x](javascript:alert(1))',
  '![x](https://e.example/x.png"onerror="alert(1))',
  '![x"onerror="alert(1)](x.png)',
  '![x](x.png "a\\" onerror=alert(1) \\"")',
  '[x]: javascript:alert(1)\n\n[x]',
  '<javascript:alert(1)>',
  '<https://e.example/"onmouseover="alert(1)>',
  '```"><script>alert(1)</script>\nx\n```',
  '```js" onclick="alert(1)\nx\n```',
  '`<script>alert(1)</script>`',
  '# <script>alert(1)</script> "onclick="alert(1)',
  '<h1 id="main" class="repository" name="location">x</h1>',
  '<form id=document><img name=cookie></form>',
  '<a id=location href="https://e.example/">x</a>',
  '<!--><img src=x onerror=alert(1)>-->',
  '<!-- --!><img src=x onerror=alert(1)> -->',
  '<![CDATA[><img src=x onerror=alert(1)>]]>',
  '<?php echo "<img src=x onerror=alert(1)>" ?>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<xmp><p title="</xmp><img src=x onerror=alert(1)>">',
  '<title><img src=x onerror=alert(1)></title>',
  '<plaintext><img src=x onerror=alert(1)>',
  '<template><img src=x onerror=alert(1)></template>',
  '<dialog open><p>over all</dialog>',
  '<custom-element onclick=alert(1)>x</custom-element>',
  '<div class="anchor evil alert-note outside">x</div>',
  '</main></body></html><script>alert(1)</script>',
  '</p></div></article></main><p>outside?',
  '<b><i><table><a href=x><a href="javascript:alert(1)">',
  '<img src=x\0onerror=alert(1)>',
  '<\0script>alert(1)</script>',
  '\u2028<script>alert(1)</script>',
  '<ScRiPt\u00a0>alert(1)</sCrIpT>',
  '<a href="\u0001javascript:alert(1)">x</a>',
  '<a href="https:javascript:alert(1)">x</a>',
  '| <script>alert(1)</script> | b |\n|---|---|\n| <img src=x onerror=alert(1)> | [x](javascript:alert(1)) |',
  '- [x] <img src=x onerror=alert(1)>',
  'x[^1]\n\n[^1]: <script>alert(1)</script> <img src=x onerror=alert(1)>',
  'x[^"><script>]\n\n[^"><script>]: [y](javascript:alert(1))\n\n    <svg onload=alert(1)>',
  '[^a]: [^a]: [^a]: [^b]\n[^b]: [^a] </div></li><script>\n\n[^a]',
  '> [!NOTE]\n> <script>alert(1)</script>',
  '> [!"><script>alert(1)</script>]\n> x',
  '---\na: </code><script>alert(1)</script>\n---\n',
  '~~<svg onload=alert(1)>~~',
  '<p lang="x&quot; onclick=&quot;alert(1)" dir="x" align="y" title=\'"><script>alert(1)</script>\'>x</p>',
  '<time datetime="x" onclick=alert(1)>x</time><ol start="1e9" reversed><li value=2>x</ol>',
  '<td rowspan=99999999 colspan=-1 onclick=alert(1)>x',
];

/** An allow-list of its own: element → attributes with what their values may be. */
const ANY: Readonly<Record<string, RegExp>> = {
  id: /^user-content-/,
  class: /^(?:hljs-[\w-]+|language-[\w+#.-]+|anchor|alert|alert-\w+|task|outside|scroll|footnotes|back| )+$/,
  title: /^/,
  align: /^(?:left|right|center)$/,
  dir: /^(?:ltr|rtl|auto)$/,
  lang: /^[a-zA-Z0-9-]+$/,
  'aria-label': /^/,
  tabindex: /^0$/,
};
const LINK =
  /^(?:https?:\/\/[^\s"<>]+|mailto:[^\s"<>]+|nostr:[^\s"<>]+|#user-content-[^\s"<>]*|\/npub1x\/tool\/file\/main(?:\/[^\s"<>\\]*)?)$/;
const OF_ELEMENTS: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  a: { href: LINK, rel: /^nofollow ugc noopener$/ },
  img: {
    src: /^\/npub1x\/tool\/raw\/main(?:\/[^\s"<>\\]*)?$/,
    alt: /^./,
    width: /^\d+%?$/,
    height: /^\d+%?$/,
    loading: /^lazy$/,
  },
  input: { type: /^checkbox$/, disabled: /^$/, checked: /^$/ },
  li: { value: /^\d+$/ },
  td: { colspan: /^\d{1,2}$/, rowspan: /^\d{1,3}$/, scope: /^row|col$/ },
  th: { colspan: /^\d{1,2}$/, rowspan: /^\d{1,3}$/, scope: /^row|col$/ },
  ol: { start: /^\d+$/, reversed: /^$/ },
  details: { open: /^$/ },
  ...Object.fromEntries(
    `abbr b bdi blockquote br caption cite code dd del dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i ins kbd
    mark p pre q s samp small span strike strong sub summary sup table tbody tfoot thead time tr tt u ul var`
      .split(/\s+/)
      .map((name) => [name, {}]),
  ),
};
const VOID = new Set(['br', 'hr', 'img', 'input']);

/**
 * Reads HTML in the one form that is expected, in which a browser and this reader cannot see different things: every `<`
 * begins a tag, and every value stands in double quotes.
 */
function check(html: string): void {
  const open: string[] = [];
  const rest = html.replace(
    /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*(\/?)>/g,
    (_, end, name, attributes) => {
      const allowed = OF_ELEMENTS[name];
      expect(allowed, `the element ${name}`).toBeDefined();
      if (end === '/') expect(open.pop()).toBe(name);
      else if (!VOID.has(name)) open.push(name);
      for (const [, key = '', value = ''] of attributes.matchAll(/([a-z-]+)(?:="([^"]*)")?/g)) {
        const rule = allowed?.[key] ?? ANY[key];
        expect(rule, `the attribute ${key} of ${name}`).toBeDefined();
        expect(value.replaceAll('&amp;', '&'), `${key} of ${name}`).toMatch(rule ?? /^$/);
      }
      return '';
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]/);
}

describe('hostile Markdown, and wiki text of Fossil,', () => {
  it.each(VECTORS.map((vector) => [vector]))('come out harmless: %j', (vector) => {
    for (const around of [
      vector,
      `x ${vector} y`,
      `<div>\n${vector}\n</div>`,
      `- ${vector}`,
      `  *  ${vector}`,
      `[${vector}|${vector}]`,
      `# ${vector}`,
    ]) {
      const place = { files: '/npub1x/tool/file/main', raw: '/npub1x/tool/raw/main', folder: ['docs'] };
      check(renderMarkdown({ text: around, place }));
      check(renderFossilWiki({ text: around, place, known: new Map() }));
    }
  });

  it('are detected by this test if cleaning is skipped', () => {
    for (const bad of [
      '<script>x</script>',
      '<img src="https://e.example/x">',
      '<a href="javascript:x">y</a>',
      '<p onclick="x">y</p>',
      '<p id="main">y</p>',
      '</div>',
      '<p>',
      'a < b',
      "<p title='x'>y</p>",
    ]) {
      expect(() => check(bad), bad).toThrow();
    }
  });
});
