/** Pages of files of every kind, and of where their lines come from, through the routes that serve them. */
import { symlink } from 'node:fs/promises';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RepositoryViews } from '../../src/browse/repository-views.ts';
import { Git } from '../../src/git-process/git.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { formatNpub } from '../../src/nostr/public-key.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { codeRoutes } from '../../src/web/code/code-routes.ts';
import { KeptPages } from '../../src/web/code/kept-pages.ts';
import { RenderPool } from '../../src/web/render/render-pool.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { type GitServer, startGitServer } from '../helpers/git-server.ts';
import { Person } from '../helpers/nostr-client.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const owner = new Person();
const root = `/${formatNpub(owner.publicKey)}/files`;
const LFS = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123456789\n`;
const NOTEBOOK = {
  nbformat: 4,
  metadata: {},
  cells: [
    { cell_type: 'markdown', source: '# Head <script>alert(1)</script>' },
    {
      cell_type: 'code',
      source: 'import x',
      execution_count: 3,
      outputs: [
        { output_type: 'display_data', data: { 'text/html': '<img src=x onerror=alert(1)>' } },
        { output_type: 'stream', text: '<b>printed</b>' },
      ],
    },
  ],
};

let server: GitServer;
let folder: TempDir;
let git: Git;
let views: RepositoryViews;
let renderer: RenderPool;
let app: Hono;
let client: GitClient;
let first: string;
let tip: string;

/** Pages that no other routes keep. */
function kept() {
  const { repositories } = server;
  const context = { namesOf: () => ({ name: 'files' }), clock: systemClock };
  return { ...context, kept: new KeptPages({ ...context, repositories }) };
}

beforeAll(async () => {
  folder = await tempDir('cairn-browse');
  server = await startGitServer(new FaultyStore(new MemoryObjectStore()), { access: 'open' });
  git = new Git({ binary: 'git', home: folder.path });
  views = new RepositoryViews({ git, slots: 2, queue: 64, timeLimit: 60_000, idle: 60_000 });
  renderer = new RenderPool({ workers: 1, queue: 64, timeLimit: 120_000, memory: 128, idle: 60_000 });
  app = new Hono().route(
    '/',
    codeRoutes({
      repositories: server.repositories,
      views,
      renderer,
      ...kept(),
      base: 'https://git.example.org',
    }),
  );
  app.onError((error) => {
    throw error;
  });
  client = await new GitClient(folder.path).init('files', '--initial-branch=main');
  first = await client.commit('Begin <b>', {
    'old.ts': '/* a\n<b> */\nconst x = 1;\n',
    '.gitmodules':
      '[submodule "lib"]\npath = lib\nurl = https://example.org/lib.git\n[submodule "bad"]\npath = bad\nurl = javascript:alert(1)\n',
    'README.md': '# Title\n\n[link](docs/) ![p](p.png) <img src=x onerror=alert(1)>\n',
    'docs/a.md': 'text\n',
    'p.png': Buffer.from([0x89, 0x50, 0, 1]),
    'p.svg': '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>\n',
    's.mp3': Buffer.from([0]),
    'v.webm': Buffer.from([0]),
    'd.pdf': '%PDF-1.4\n',
    'n.ipynb': JSON.stringify(NOTEBOOK),
    'broken.ipynb': '{',
    't.csv': 'name,<b>\n"a ""b""",2\n',
    'large.bin': LFS,
    crlf: 'one\r\ntwo',
    mixed: 'one\r\ntwo\nthree\n',
    directions: 'a \u202e b\n',
    'slow.md.txt': 'x\n',
    empty: '',
    script: '#!/usr/bin/env python3\nimport os\n',
    'min.js': `var a=1;${'x();'.repeat(30_000)}\n`,
    'utf16.c': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('int ü;\n', 'utf16le')]),
  });
  await symlink('../docs', `${client.folder}/docs/here`);
  await symlink('../../outside', `${client.folder}/docs/out`);
  await client.run(['mv', 'old.ts', 'new.ts']);
  for (const path of ['lib', 'bad', 'none'])
    await client.run(['update-index', '--add', '--cacheinfo', `160000,${first},${path}`]);
  await client.run(['add', 'docs', 'new.ts']);
  await client.run(['commit', '-qm', 'Go on']);
  tip = await client.oidOf('HEAD');
  await client.run(['push', '--quiet', `${server.url}/git${root}.git`, 'main']);
});
afterAll(async () => {
  await views.close();
  await renderer.close();
  await git.close();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const get = (path: string, headers: Record<string, string> = {}) =>
  Promise.resolve(app.request(`${root}/${path}`, { headers }));

async function page(path: string, status = 200): Promise<string> {
  const response = await get(path);
  const body = await response.text();
  expect(response.status, body.slice(0, 300)).toBe(status);
  expect(response.headers.get('content-security-policy')).not.toContain('unsafe');
  // Nothing of a file runs: there are no scripts but the page's own, and no attributes that run or style.
  expect(body.replace(/<script src="\/assets\/[^"]*" defer><\/script>/g, '')).not.toMatch(
    /<script|<[^>]*\s(?:on\w+|style)=/i,
  );
  return body;
}

async function json(path: string) {
  const response = await get(path, { Accept: 'application/json' });
  expect(response.status).toBe(200);
  return JSON.parse(await response.text());
}

describe('the page of a file', () => {
  it('has highlighted lines, each complete in itself, and links to its other views', async () => {
    const body = await page('file/main/new.ts');
    expect(body).toContain(
      '<tr id="L2"><td class="number"><a href="#L2">2</a></td><td><code><span class="hljs-comment">&lt;b&gt; */</span></code></td></tr>',
    );
    for (const link of [
      'raw/main/new.ts',
      'raw/main/new.ts?download=1',
      `file/${tip}/new.ts`,
      'commits/main/new.ts',
      'blame/main/new.ts',
    ])
      expect(body).toContain(`href="${root}/${link}"`);
    expect(await page(`file/${tip}/new.ts`)).not.toContain('Permalink');
  });

  it('finds the language by a first line, in any encoding', async () => {
    expect(await page('file/main/script')).toContain('<span class="hljs-keyword">import</span>');
    const utf16 = await page('file/main/utf16.c');
    expect(utf16).toContain('<span class="hljs-type">int</span> ü');
    expect(utf16).toContain('utf-16le');
  });

  it('shows line ends, and warns of invisible direction marks', async () => {
    const crlf = await page('file/main/crlf');
    expect(crlf).toContain('CRLF line ends · no line feed at the end');
    expect(await page('file/main/mixed')).toContain('LF and CRLF line ends');
    expect(await page('file/main/empty')).toContain('0 lines');
    expect(await page('file/main/directions')).toContain('change the writing direction');
    expect(await json('file/main/crlf')).toMatchObject({
      lines: ['one', 'two'],
      lineEnds: 'crlf',
      endsWithLineFeed: false,
    });
  });

  it('cuts very long lines, highlighted or not', async () => {
    const body = await page('file/main/min.js');
    expect(body).toContain('hljs-keyword');
    expect(body).toContain('The rest of the file is not shown');
    expect(body.length).toBeLessThan(100_000);
  });

  it('renders Markdown, with a link to its source', async () => {
    const body = await page('file/main/README.md');
    expect(body).toContain('Title');
    expect(body).toContain(`href="${root}/file/main/docs"`);
    expect(body).toContain(`src="${root}/raw/main/p.png"`);
    expect(body).toContain(`href="${root}/file/main/README.md?plain=1"`);
    expect(body).not.toContain('id="L1"');
    expect(await page('file/main/README.md?plain=1')).toContain('id="L1"');
    expect((await json('file/main/README.md')).lines).toHaveLength(3);
  });

  it('shows images, audio, video and documents by their raw URL, and SVG as an image', async () => {
    for (const [name, element] of [
      ['p.png', 'img'],
      ['p.svg', 'img'],
      ['s.mp3', 'audio'],
      ['v.webm', 'video'],
      ['d.pdf', 'iframe'],
    ])
      expect(await page(`file/main/${name}`)).toMatch(
        new RegExp(`<${element}[^>]* src="${root}/raw/main/${name}"`),
      );
    // Nothing is read to show them.
    expect(await page('file/main/d.pdf')).not.toContain('Blame');
    expect(await page('file/main/p.svg?plain=1')).toContain('<span class="hljs-name">script</span>&gt;');
    const raw = async (name: string) =>
      (await get(`raw/main/${name}`)).headers.get('content-security-policy');
    expect(await raw('p.svg')).toContain('sandbox');
    expect(await raw('d.pdf')).toContain("default-src 'none'");
    expect(await raw('d.pdf')).toContain('sandbox');
    const framed = { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': 'same-origin' };
    expect((await get('raw/main/d.pdf', framed)).headers.get('content-disposition')).toMatch(/^inline/);
    for (const headers of [
      {},
      { ...framed, 'Sec-Fetch-Site': 'cross-site' },
      { ...framed, 'Sec-Fetch-Dest': 'document' },
    ]) {
      const alone = await get('raw/main/d.pdf', headers);
      expect(alone.headers.get('content-disposition')).toMatch(/^attachment/);
      expect(alone.headers.get('content-security-policy')).toContain('sandbox');
    }
  });

  it('shows notebooks without running anything, and tables', async () => {
    const notebook = await page('file/main/n.ipynb');
    expect(notebook).toContain('<span class="hljs-keyword">import</span>');
    expect(notebook).toContain('In [3]');
    expect(notebook).toContain('Output of the type text/html is not shown');
    expect(notebook).toContain('&lt;b&gt;printed');
    expect(await page('file/main/broken.ipynb')).toContain('id="L1"');
    const table = await page('file/main/t.csv');
    expect(table).toContain('<th scope="col">&lt;b&gt;</th>');
    expect(table).toContain('<td>a &quot;b&quot;</td>');
  });

  it('recognizes Git LFS pointers, links and submodules', async () => {
    expect(await page('file/main/large.bin')).toContain('117.7 MiB (123,456,789 bytes)');
    expect((await json('file/main/large.bin')).lfs).toEqual({ oid: 'a'.repeat(64), size: 123_456_789 });
    expect(await page('file/main/docs/here')).toContain(`href="${root}/file/main/docs"`);
    const out = await page('file/main/docs/out');
    expect(out).toContain('../../outside');
    expect(out).toContain('not in this revision');
    const lib = await page('file/main/lib');
    expect(lib).toContain('href="https://example.org/lib.git"');
    expect(lib).toContain(first);
    const bad = await page('file/main/bad');
    expect(bad).toContain('javascript:alert(1)');
    expect(bad).not.toContain('href="javascript');
    expect(await page('file/main/none')).toContain('not said in');
    expect(await json('file/main/lib')).toMatchObject({
      kind: 'submodule',
      size: null,
      submodule: 'https://example.org/lib.git',
    });
    expect(await page('tree/main')).toContain(`href="${root}/file/main/lib"`);
  });

  it('needs bounded time for hostile text, and then shows plain lines', async () => {
    const hostile = new RenderPool({ workers: 1, queue: 1, timeLimit: 200, memory: 128, idle: 60_000 });
    try {
      const routes = codeRoutes({
        repositories: server.repositories,
        views,
        renderer: hostile,
        ...kept(),
        base: 'https://git.example.org',
      });
      await client.run(['checkout', '-q', '--detach']);
      await client.commit('Hostile', { 'slow.md': '['.repeat(400_000) });
      await client.run(['push', '--quiet', `${server.url}/git${root}.git`, 'HEAD:refs/heads/hostile']);
      const response = await routes.request(`${root}/file/hostile/slow.md?plain=1`);
      expect(await response.text()).toContain('<code>[[[');
      expect(hostile.size).toBe(0);
    } finally {
      await hostile.close();
    }
  });
});

describe('blame', () => {
  it('shows author and date of lines, through renames', async () => {
    const body = await page('blame/main/new.ts');
    expect(body).toContain('<td class="who" rowspan="3">');
    expect(body).toContain('<bdi>A User</bdi>');
    expect(body).toContain('<bdi>Begin &lt;b&gt;</bdi>');
    expect(body).toContain(`href="${root}/commit/${first}"`);
    expect(body).toContain('hljs-comment');
    expect(await json('blame/main/new.ts')).toMatchObject({
      commit: tip,
      complete: true,
      groups: [{ first: 1, count: 3, commit: first, path: { text: 'old.ts' }, previous: null }],
      commits: [{ oid: first }],
    });
  });

  it('exists for text only', async () => {
    expect(await page('blame/main/empty')).toContain('<tbody>');
    for (const path of ['blame/main/lib', 'blame/main/docs/here', 'blame/main/nothing', 'blame/main'])
      expect((await get(path)).status, path).toBe(path === 'blame/main' ? 302 : 404);
    const binary = await get('blame/main/p.png');
    expect([binary.status, binary.headers.get('location')]).toEqual([302, `${root}/file/main/p.png`]);
  });
});

describe('the differences of a commit', () => {
  it('are highlighted on both sides, with changed words marked; large differences are plain', async () => {
    await client.commit('Before', {
      'c.ts': '/* one\n   two */\nconst size = "<b>";\r\n',
      'big.ts': 'const a = 1;\n'.repeat(2),
    });
    const small = await client.commit('Small', { 'c.ts': '/* one\n   two */\nconst length = "<b>";\r\n' });
    const large = await client.commit('Large', { 'big.ts': 'const bb = 12;\n'.repeat(6_000) });
    await client.run(['push', '--quiet', `${server.url}/git${root}.git`, 'HEAD:refs/heads/colours']);
    const word = '<span class="hljs-keyword">const</span>';
    const text = '<span class="hljs-string">&quot;&lt;b&gt;&quot;</span>';
    for (const view of ['', '?view=split', '?file=1']) {
      const body = await page(`commit/${small}${view}`);
      expect(body).toContain(`<code>-${word} <mark>size</mark> = ${text};</code>`);
      expect(body).toContain(`<code>+${word} <mark>length</mark> = ${text};</code>`);
      expect(body).toContain('<code> <span class="hljs-comment">/* one</span></code>');
    }
    expect(await page(`compare/${tip}..${small}`)).toContain(word);
    expect((await json(`commit/${small}`)).differences.files).toHaveLength(1);
    expect((await page(`commit/${large}?file=1`)).includes('hljs-')).toBe(false);
  });

  it('are highlighted as they are within their files, on both sides', async () => {
    const filler = (name: string) => Array.from({ length: 20 }, (_, at) => `${name} ${at}\n`).join('');
    const file = (word: string) =>
      `/*\n${filler('const text')}const ${word} = 1;\n${filler('more')}*/\nconst page = \`\n${filler('if so')}return ${word};\n${filler('else')}\`;\n${filler('//')}const ${word} = 2;\n`;
    const huge = '//'.repeat(300_000);
    await client.commit('Before', {
      'd.ts': file('old'),
      'e.ts': `${huge}\n${file('old')}`,
      'f.ts': file('old'),
    });
    const after = await client.commit('After', {
      'd.ts': file('next'),
      'e.ts': `${huge}\n${file('next')}`,
      'f.ts': '',
      'g.ts': file('next'),
    });
    await client.run(['push', '--quiet', `${server.url}/git${root}.git`, 'HEAD:refs/heads/within']);
    const word = '<span class="hljs-keyword">const</span>';
    for (const view of ['', '?view=split', '?w=1', '?file=1']) {
      const body = (await page(`commit/${after}${view}`)).replaceAll(/<\/?mark>/g, '');
      const [shown = ''] = body.split('id="file-2"');
      for (const [sign, name] of [
        ['-', 'old'],
        ['+', 'next'],
      ] as const) {
        expect(shown).toContain(`<code>${sign}<span class="hljs-comment">const ${name} = 1;</span></code>`);
        expect(shown).toContain(`<code>${sign}<span class="hljs-string">return ${name};</span></code>`);
        expect(shown).toContain(`<code>${sign}${word} ${name} = `);
      }
      // A file that is too large is highlighted as if each hunk began it.
      if (view === '')
        expect(body).toContain(`<code>+${word} next = <span class="hljs-number">1</span>;</code>`);
    }
    const parent = await client.run(['rev-parse', `${after}~1`]);
    expect(await page(`compare/${parent}..${after}?file=1`)).toContain('<span class="hljs-comment">const ');
  });
});
