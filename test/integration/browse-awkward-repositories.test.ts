/** Every page of repositories that are empty, broken, odd or gigantic: an answer of bounded size, by few processes of git. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/lib/random.ts';
import { createRepository } from '../../src/maintenance/administer.ts';
import { formatNpub } from '../../src/nostr/public-key.ts';
import type { PublishedGitState } from '../../src/repository/git/git-manifest.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { CodeLinks } from '../../src/web/code/code-links.ts';
import { CODE_PAGES } from '../../src/web/code/code-page-list.ts';
import { readCodePath } from '../../src/web/code/code-path.ts';
import { NO_RENDERER } from '../../src/web/render/render-pool.ts';
import { BrowseRig } from '../helpers/browse-rig.ts';
import { crawl } from '../helpers/crawl.ts';
import type { BrowsedRepository } from '../helpers/example/project.ts';
import { GitClient } from '../helpers/git-client.ts';
import { importHistory } from '../helpers/import-history.ts';
import { Person } from '../helpers/nostr-client.ts';
import { allPages, encodePath } from '../helpers/page-table.ts';
import { startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';
import { processesOf } from '../helpers/traced-processes.ts';

/** Commits of the gigantic history. `CAIRN_TEST_COMMITS=1000000` tries a million. */
const COMMITS = Number(process.env['CAIRN_TEST_COMMITS'] ?? 20_000);
const FILES = 100_000;
const BRANCHES = 10_000;
const LINE = 10 * 2 ** 20;
const LARGE = 200 * 2 ** 20;

/** Bytes of a page, and processes of git that it may start. */
const MOST_BYTES = 2 * 2 ** 20;
const MOST_PROCESSES = 5;

const owner = new Person();
let folder: TempDir;
let trace: string;
let server: App;

beforeAll(async () => {
  folder = await tempDir('cairn-awkward');
  trace = join(folder.path, 'trace');
  await mkdir(trace);
  process.env['CAIRN_GIT_TRACE2_EVENT'] = trace;
  server = await startServer({ flags: { 'max-object-size': '256MiB' }, overrides: { background: false } });
});
afterAll(async () => {
  delete process.env['CAIRN_GIT_TRACE2_EVENT'];
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** A repository on the server, with what is pushed by the function that is returned. */
async function hosted(name: string, { head = 'refs/heads/main', format = 'sha1' as 'sha1' | 'sha256' } = {}) {
  const repository = server.repositories.get(repositoryId(owner.publicKey, name));
  await createRepository(repository, { objectFormat: format, head, random: systemRandom });
  const client = await new GitClient(folder.path).init(name, `--object-format=${format}`);
  const url = `${server.url}/git/${owner.npub}/${name}.git`;
  return { client, push: () => client.run(['push', '--quiet', url, '+refs/*:refs/*']) };
}

/** What the table of pages is to be filled with. */
function browsed(name: string, parts: Partial<BrowsedRepository>): BrowsedRepository {
  return {
    owner,
    identifier: name,
    root: `/${formatNpub(owner.publicKey)}/${name}`,
    branch: 'main',
    word: 'word',
    otherBranch: 'other',
    tag: 'v1',
    commits: [],
    folders: [''],
    files: [],
    issues: [],
    patches: [],
    pullRequests: [],
    ...parts,
  };
}

/** Opens every page as a person and as a program. @returns what was answered with another status than 200, by path */
async function openEverything(repository: BrowsedRepository): Promise<Record<string, number>> {
  const others: Record<string, number> = {};
  for (const path of allPages(repository).filter((page) => page.startsWith(repository.root))) {
    for (const accept of ['text/html', 'application/json']) {
      let answer: Response | undefined;
      let bytes = 0;
      const processes = await processesOf(trace, async () => {
        answer = await fetch(`${server.url}${path}`, { headers: { Accept: accept } });
        bytes = (await answer.arrayBuffer()).byteLength;
      });
      const short = path.slice(repository.root.length + 1);
      expect(bytes, `${short} as ${accept}`).toBeLessThan(MOST_BYTES);
      expect(processes, `${short} as ${accept}`).toBeLessThanOrEqual(MOST_PROCESSES);
      if (answer?.status !== 200) others[short] = answer?.status ?? 0;
    }
  }
  return others;
}

/** Statuses of pages, each once. */
function statuses(others: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(others).map(([path, status]) => [path.split(/[/?]/)[0] ?? '', status]),
  );
}

/** Words of pages of a revision or a tag, which are not there without one. */
const OF_REVISIONS = ['blame', 'commits', 'compare', 'contributors', 'file', 'search', 'tag', 'tree'];

describe('every page has a bounded size and needs few processes', () => {
  it('in an empty repository', async () => {
    await hosted('empty');
    const others = statuses(await openEverything(browsed('empty', { files: ['a'] })));
    expect(others).toEqual(Object.fromEntries(OF_REVISIONS.map((word) => [word, 404])));
  });

  it('in a repository without its default branch', async () => {
    const { client, push } = await hosted('headless');
    const ids = await importHistory(client, [
      { ref: 'refs/heads/other', message: 'Begin', parents: [], files: { a: 'word\n' } },
    ]);
    await push();
    const parts = { commits: ids, files: ['a'] };
    const others = statuses(await openEverything(browsed('headless', parts)));
    expect(others).toEqual(Object.fromEntries(OF_REVISIONS.map((word) => [word, 404])));
    expect(statuses(await openEverything(browsed('headless', { ...parts, branch: 'other' })))).toEqual({
      tag: 404,
    });
  });

  it('in a SHA-256 repository', async () => {
    const { client, push } = await hosted('sha256', { format: 'sha256' });
    const ids = await importHistory(
      client,
      [
        { ref: 'refs/heads/main', message: 'Begin', parents: [], files: { a: 'word\n' } },
        { ref: 'refs/heads/other', message: 'Go on', parents: [0], files: { a: 'word\nmore\n' } },
      ],
      [{ name: 'v1', of: 0, message: 'First' }],
    );
    await push();
    expect(await openEverything(browsed('sha256', { commits: ids, files: ['a'] }))).toEqual({});
  });

  it('with names of all bytes, encodings, line ends, links, modules, renames, merges of eight and unusual commits', async () => {
    const { client, push } = await hosted('odd');
    const bytes = Array.from({ length: 255 }, (_, at) => String.fromCharCode(at + 1)).filter(
      (char) => char !== '/',
    );
    // A name as long as file systems allow is pushed through folders.
    const names = [bytes.slice(0, 127).join(''), bytes.slice(127).join('')];
    const files: Record<string, string | Uint8Array> = {
      [names.join('/')]: 'word\n',
      latin1: Buffer.from('caf\xe9 word\n', 'latin1'),
      utf16: Buffer.from('\ufeffGrüße word\r\n', 'utf16le'),
      crlf: 'word\r\ntwo\r\n',
      unended: 'word',
      'page.html': '<script>word</script>',
      'picture.svg': '<svg xmlns="http://www.w3.org/2000/svg"><script>word</script></svg>',
      before: 'word\n'.repeat(50),
    };
    const sides = Array.from({ length: 7 }, (_, at) => at + 2);
    const ids = await importHistory(
      client,
      [
        { ref: 'refs/heads/main', message: '', at: 0, parents: [], files },
        {
          ref: 'refs/heads/main',
          message: 'Move, link, include',
          files: {
            before: undefined,
            after: 'word\n'.repeat(50),
            link: { mode: '120000', is: '../../etc/passwd' },
            loop: { mode: '120000', is: 'loop' },
            module: { mode: '160000', is: '5d41402abc4b2a76b9719d911017c592aabbccdd' },
          },
        },
        ...sides.map((side) => ({
          ref: 'refs/heads/other',
          message: Buffer.from('Seite \xfc', 'latin1'),
          parents: [1],
          files: { [`side-${side}`]: 'word\n' },
        })),
        {
          ref: 'refs/heads/main',
          message: 'Merge eight',
          parents: [1, ...sides],
          files: Object.fromEntries(sides.map((side) => [`side-${side}`, 'word\n'])),
        },
      ],
      [{ name: 'v1', of: 1, message: '' }],
    );
    await push();
    const all = [...Object.keys(files).filter((name) => name !== 'before'), 'link', 'loop', 'module'];
    const folders = ['', names[0] ?? ''];
    // git reads the path of a history from a line, and the first name has a line feed.
    const refused = [`commits/main/${encodePath(names.join('/'))}`];
    const parts = { commits: ids, files: all, folders };
    expect(Object.keys(await openEverything(browsed('odd', parts)))).toEqual(refused);
  });

  it('with dates of all sizes and zones, also those that no calendar has', async () => {
    const { client, push } = await hosted('dates');
    const [first = ''] = await importHistory(client, [
      { ref: 'refs/heads/main', message: 'Begin', parents: [], files: { a: 'word\n' } },
    ]);
    const tree = await client.run(['rev-parse', `${first}^{tree}`]);
    const ids = [first];
    for (const seconds of [0, 1, 2 ** 31, 2 ** 33, 8.64e12, 8.64e12 + 1, 9e18]) {
      for (const zone of ['+0000', '-0000', '+1400', '+9999']) {
        const who = `A ${seconds} <user@example.com> ${BigInt(seconds)} ${zone}`;
        const input = `tree ${tree}\nparent ${ids.at(-1)}\nauthor ${who}\ncommitter ${who}\n\nword\n`;
        ids.push(await client.run(['hash-object', '-t', 'commit', '-w', '--stdin'], { input }));
      }
    }
    const tip = ids.at(-1) ?? '';
    const tagger = 'A <user@example.com> 9000000000000000000 +0000';
    const input = `object ${tip}\ntype commit\ntag v1\ntagger ${tagger}\n\nword\n`;
    const tag = await client.run(['hash-object', '-t', 'tag', '-w', '--stdin'], { input });
    await client.run(['update-ref', 'refs/tags/v1', tag]);
    await client.run(['update-ref', 'refs/heads/other', first]);
    await client.run(['update-ref', 'refs/heads/main', tip]);
    await push();
    expect(await openEverything(browsed('dates', { commits: ids, files: ['a'] }))).toEqual({});
  });

  it('with refs and paths whose names are ambiguous in URLs, and no link is dead', async () => {
    const { client, push } = await hosted('names');
    const names = [
      'sp ace',
      'a%20b',
      'a#b?c',
      '%2F',
      'tab\t',
      'new\nline',
      '"quo<ted>"',
      'x.patch',
      'back\\slash',
    ];
    const module = { mode: '160000', is: '5d41402abc4b2a76b9719d911017c592aabbccdd' } as const;
    const files = Object.fromEntries(
      names.flatMap((name) => [
        [name, 'x\n'],
        [`dir/${name}/a.ts`, 'const a = 1;\n'],
      ]),
    );
    const [first = '', , tip = ''] = await importHistory(
      client,
      [
        { ref: 'refs/heads/main', message: '', parents: [], files: { ...files, type: 'x\n', mode: 'x\n' } },
        {
          ref: 'refs/heads/main',
          message: 'Types, modes, links',
          files: {
            type: { mode: '120000', is: 'loop' },
            loop: { mode: '120000', is: 'type' },
            mode: { mode: '100755', is: 'x\n' },
            module,
            '.gitmodules': '[submodule "m"]\npath = module\nurl = ../other.git\n',
          },
        },
        { ref: 'refs/heads/main', message: 'Nothing', files: {} },
      ],
      [{ name: 'v1', of: 0, message: '' }],
    );
    const [tree, blob] = await Promise.all([
      client.run(['rev-parse', `${tip}^{tree}`]),
      client.run(['rev-parse', `${tip}:x.patch`]),
    ]);
    const refs: Record<string, string> = {
      'refs/other/thing': tip,
      'refs/tags/of-tree': tree,
      'refs/tags/of-blob': blob,
      'refs/tags/main': first,
      'refs/tags/folder': first,
      'refs/tags/feed.atom': first,
    };
    for (const name of [
      'tree',
      'refs',
      'HEAD',
      first,
      'main.patch',
      'main.tar.gz',
      'folder/dir',
      'a%b#c',
      'ü"<b>',
    ])
      refs[`refs/heads/${name}`] = tip;
    const updates = Object.entries(refs).map(([ref, oid]) => `create ${ref} ${oid}\n`);
    await client.run(['update-ref', '--stdin'], { input: updates.join('') });
    await push();
    const root = `/${owner.npub}/names`;
    const start = [
      '',
      '/tree/main',
      '/compare/tree...main.patch',
      '/compare/tree...main',
      `/tree/${first}`,
      '/tree/refs/other/thing',
    ];
    const seen = new Map<string, number>();
    const reached = await crawl({
      server: server.url,
      start: start.map((path) => root + path),
      most: 300,
      // Some pages of each kind for each revision, and more of the default branch.
      follows: (path) => {
        if (!path.startsWith(`${root}/`)) return false;
        const [, word, revision = ''] = path.slice(root.length).split(/[/?]/);
        const count = (seen.get(`${word} ${revision}`) ?? 0) + 1;
        seen.set(`${word} ${revision}`, count);
        return count <= (revision === 'main' ? 12 : 2);
      },
    });
    expect(reached.length).toBeGreaterThan(150);
    expect(reached.filter(({ status }) => status >= 400)).toEqual([]);
    const at = async (path: string) => (await fetch(`${server.url}${root}/${path}`)).text();
    expect(await at('raw/main/x.patch')).toBe('x\n');
    // A tag of a file, and the file by its id.
    expect(await at('tag/of-blob')).toContain(`href="${root}/file/of-blob"`);
    for (const name of ['of-blob', blob]) {
      expect(await at(`raw/${name}`), name).toBe('x\n');
      expect(await at(`tree/${name}`), name).toContain('<code>x</code>');
    }
    for (const path of ['tree/of-blob/x', 'raw/of-tree', 'blame/of-blob'])
      expect((await fetch(`${server.url}${root}/${path}`)).status, path).toBe(404);
    expect(await at(`file/${first}/type`)).not.toContain('symbolic link');
    expect(await at('compare/tree...main.patch')).toContain('are the same commit');
    expect(await at('tree/refs/heads/refs/dir')).toContain('sp%20ace');
  });

  it('with a line of 10 MB and a file of 200 MB, sent in parts and as a whole, in little memory', async () => {
    const { client, push } = await hosted('large');
    const files = { line: Buffer.alloc(LINE, 'word '), large: Buffer.alloc(LARGE, 'line\n') };
    const commits = await importHistory(client, [
      { ref: 'refs/heads/main', message: 'Begin', parents: [], files },
    ]);
    await push();
    const others = await openEverything(
      browsed('large', { commits, files: ['line', 'large'], otherBranch: 'main' }),
    );
    expect(statuses(others)).toEqual({ blame: 413, tag: 404 });
    const raw = `${server.url}/${owner.npub}/large/raw/main/large`;
    const part = await fetch(raw, { headers: { Range: `bytes=${LARGE - 5}-` } });
    expect([part.status, await part.text()]).toEqual([206, 'line\n']);
    const most = await memoryOf(async () => {
      let bytes = 0;
      for await (const chunk of (await fetch(raw)).body ?? []) bytes += chunk.length;
      expect(bytes).toBe(LARGE);
    });
    expect(most).toBeLessThan(64 * 2 ** 20);
  });

  it(`with ${COMMITS} commits, ${BRANCHES} branches, and ${FILES} files in a folder`, async () => {
    await using rig = await BrowseRig.open();
    const commits = await makeGigantic(rig.client);
    const view = await rig.view();
    const published = { manifest: view.manifest } as PublishedGitState;
    const id = repositoryId(owner.publicKey, 'gigantic');
    const context = {
      base: server.url,
      links: new CodeLinks(server.url, id),
      name: 'gigantic',
      owner: id.owner,
      manifest: view.manifest,
    };
    const parts = { commits, files: ['wide/f99999'], folders: ['', 'wide'], otherBranch: 'b/77' };
    const made: string[] = [];
    for (const path of allPages(browsed('gigantic', parts))) {
      const url = new URL(path, server.url);
      const { word, segments } = readCodePath(url.pathname) ?? { word: undefined, segments: [] };
      const page = CODE_PAGES.find((one) => one.word === word);
      if (page === undefined || word === 'tag') continue;
      const asked = page.ask(context, published, segments, url.searchParams);
      let body = '';
      const processes = await processesOf(trace, async () => {
        body = await asked.make({ view, renderer: NO_RENDERER, representation: 'html' });
      });
      expect(Buffer.byteLength(body), path).toBeLessThan(MOST_BYTES);
      expect(processes, path).toBeLessThanOrEqual(MOST_PROCESSES);
      made.push(page.word);
    }
    expect(new Set(made).size).toBeGreaterThan(8);
  }, 600_000);
});

/** Writes the repository. @returns its first and its last commit */
async function makeGigantic(client: GitClient): Promise<string[]> {
  const blob = await client.run(['hash-object', '-w', '--stdin'], { input: 'word\n' });
  const entries = Array.from({ length: FILES }, (_, at) => `100644 blob ${blob}\tf${at}`);
  const wide = await client.run(['mktree'], { input: `${entries.join('\n')}\n` });
  const root = await client.run(['mktree'], { input: `040000 tree ${wide}\twide\n` });
  const stream = Array.from({ length: COMMITS }, (_, at) => {
    const files = at === 0 ? `M 040000 ${root} \n` : '';
    return `commit refs/heads/main\ncommitter N${at % 500} <n@example.org> ${1_000_000_000 + at} +0000\ndata 2\nc\n${files}\n`;
  });
  await client.run(['fast-import', '--quiet', '--done'], { input: `${stream.join('')}done\n` });
  const tip = await client.oidOf('main');
  const first = await client.run(['rev-list', '--max-parents=0', 'main']);
  const refs = Array.from(
    { length: BRANCHES },
    (_, at) => `${at % 2 === 0 ? tip : first} refs/heads/b/${at}\n`,
  );
  const sorted = [...refs, `${tip} refs/heads/main\n`].sort((a, b) => (a.slice(41) < b.slice(41) ? -1 : 1));
  await writeFile(
    join(client.folder, '.git', 'packed-refs'),
    `# pack-refs with: peeled fully-peeled sorted \n${sorted.join('')}`,
  );
  return [first, tip];
}

/** The most bytes of buffers that this process has more while something runs. */
async function memoryOf(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }, 5);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return most;
}
