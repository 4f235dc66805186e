/** What somebody writes who wants to run something in the browsers of others. Each calls, or makes, what a test looks for. */
import { pdf, png } from './media.ts';

/** A call that a test finds. @param where it stands */
const call = (where: string) => `window.__cairnXss='${where}'`;

/** Texts for every place where a text may stand: they end an attribute, a tag, a text, a script, a URL. */
export const TEXTS: readonly string[] = [
  `<script>${call('script')}</script>`,
  `"><img src=x onerror="${call('attribute')}"><cairn-xss>`,
  `'onmouseover='${call('single')}' x='`,
  `</title></style></textarea></pre><svg onload="${call('svg')}"><cairn-xss>`,
  `javascript:${call('url')}//`,
  `<a href="javascript:${call('link')}">x</a>`,
  '&lt;cairn-xss&gt; &#60;cairn-xss>',
  '\u202e\u0007\u2028<cairn-xss>',
  '{{constructor.constructor("alert(1)")()}}',
];

/** The same in one line, without what a name in git cannot have. */
export const LINE = TEXTS.join(' ').replaceAll('\n', ' ');

/** Markdown whose HTML or whose links would run something. */
export const MARKDOWN = `# ${LINE}

${TEXTS.join('\n\n')}

[a](javascript:${call('markdown')}) [b](JaVaScRiPt:${call('case')}) [c](java&#10;script:${call('entity')})
[d](data:text/html,<script>${call('data')}</script>) [e](vbscript:x "t\\" onmouseover=\\"${call('title')}")
<javascript:${call('autolink')}> ![i](javascript:${call('image')}) ![remote](https://evil.invalid/pixel.png)
![q](x.png "\\"onerror=${call('imagetitle')}") [ref][r] [^1]

[r]: javascript:${call('reference')}
[^1]: <img src=x onerror=${call('footnote')}>

\`\`\`"><img src=x onerror=${call('fence')}>
<cairn-xss>
\`\`\`

<img src=x onerror="${call('img')}"> <img src="https://evil.invalid/pixel.gif">
<iframe src="javascript:parent.${call('iframe')}"></iframe><iframe srcdoc="<script>parent.${call('srcdoc')}</script>"></iframe>
<base href="https://evil.invalid/"><meta http-equiv="refresh" content="0;url=https://evil.invalid/">
<link rel="stylesheet" href="https://evil.invalid/x.css"><style>body{display:none} @import 'https://evil.invalid/y.css';</style>
<form action="https://evil.invalid/"><input name=a autofocus onfocus="${call('focus')}"><button formaction="javascript:${call('formaction')}">x</button></form>
<object data="javascript:${call('object')}"></object><embed src="javascript:${call('embed')}">
<details open ontoggle="${call('toggle')}"><summary>x</summary></details>
<a href="&#106;avascript:${call('hex')}">x</a><a href=" \tjava\tscript:${call('tab')}">x</a><a href="//evil.invalid" target=_top>x</a>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${call('mutation')}&gt;">
<svg><p><style><a id="</style><img src=1 onerror=${call('style')}>"></svg>
<svg><animate onbegin="${call('animate')}" attributeName=x dur=1s><a xlink:href="javascript:${call('xlink')}"><text y=9>x</text></a></svg>
<video><source onerror="${call('source')}"></video><audio src=x onerror="${call('audio')}"></audio>
<div style="position:fixed;inset:0;background:url(https://evil.invalid/z)">x</div><p id="content" class="skip" onclick="${call('click')}">x</p>
<noscript><p title="</noscript><img src=x onerror=${call('noscript')}>"></noscript>
<template><cairn-xss></cairn-xss></template><cairn-xss>
`;

export const SVG = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="50" height="50" onload="${call('svgload')}"><script>${call('svgscript')}</script><foreignObject width="50" height="50"><body xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror="${call('foreign')}"/><iframe src="javascript:parent.${call('svgframe')}"/></body></foreignObject><image href="https://evil.invalid/p.png"/><a xlink:href="javascript:${call('svglink')}"><rect width="50" height="50"/></a></svg>`;

const HTML = `<!doctype html><meta http-equiv="refresh" content="1;url=https://evil.invalid/"><body onload="${call('body')}"><script>${call('html')};alert(1)</script><img src="https://evil.invalid/p.gif">`;

const NOTEBOOK = JSON.stringify({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { language_info: { name: LINE }, kernelspec: { display_name: LINE } },
  cells: [
    { cell_type: 'markdown', metadata: {}, source: [MARKDOWN] },
    { cell_type: 'raw', metadata: {}, source: [LINE] },
    {
      cell_type: 'code',
      execution_count: LINE,
      metadata: {},
      source: [LINE],
      outputs: [
        {
          output_type: 'display_data',
          metadata: {},
          data: { 'text/html': [HTML, LINE], 'text/plain': [LINE] },
        },
        { output_type: 'display_data', metadata: {}, data: { 'image/svg+xml': [SVG] } },
        { output_type: 'display_data', metadata: {}, data: { 'text/markdown': [MARKDOWN] } },
        { output_type: 'display_data', metadata: {}, data: { 'application/javascript': [call('notebook')] } },
        { output_type: 'display_data', metadata: {}, data: { 'image/png': '"><cairn-xss>' } },
        { output_type: 'stream', name: LINE, text: [LINE] },
        { output_type: 'error', ename: LINE, evalue: LINE, traceback: [LINE] },
      ],
    },
  ],
});

/** Names of files and folders. Each character is a byte, and none is a slash. */
export const NAMES: readonly string[] = TEXTS.map((text) =>
  [...text].filter((char) => char !== '/' && char <= '\u00ff').join(''),
);

/** Files whose contents would run, where they are shown or sent as what they are. */
export const FILES: Readonly<Record<string, string | Uint8Array>> = {
  'README.md': MARKDOWN,
  'page.html': HTML,
  'page.xhtml': `<html xmlns="http://www.w3.org/1999/xhtml"><script>${call('xhtml')}</script></html>`,
  'page.xml': `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="x.xsl"?><a xmlns:h="http://www.w3.org/1999/xhtml"><h:script>${call('xml')}</h:script></a>`,
  'picture.svg': SVG,
  'page.pdf': pdf('<</S/JavaScript/JS(app.alert\\(1\\))>>'),
  'not-a.png': HTML,
  'real.png': png(8, 8),
  'run.js': call('js'),
  'style.css': '*{background:url(https://evil.invalid/c)}',
  'notebook.ipynb': NOTEBOOK,
  'table.csv': TEXTS.map((text) => `"${text.replaceAll('"', '""')}",=cmd()`).join('\n'),
  'code.ts': `const a = \`${LINE}\`;\n// ${LINE}\n`,
  'bytes.txt': Buffer.from([...Buffer.from('+ADw-script+AD4-\n'), 0xff, 0xfe, ...Buffer.from(LINE)]),
  '.mailmap': `${'<cairn-xss>'} <m@example.org> <n@example.org>\n`,
  '.gitmodules': `[submodule "x"]\n\tpath = module\n\turl = javascript:${call('module')}\n`,
};
