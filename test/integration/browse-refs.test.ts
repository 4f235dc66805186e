/** Pages of branches, tags, contributors and searches, and the feed of tags, as a real server sends them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatNpub } from '../../src/nostr/public-key.ts';
import { CODE_PAGES } from '../../src/web/code/code-page-list.ts';
import { GitClient } from '../helpers/git-client.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const EVIL = '<img/src=x/onerror=alert(1)>';

let server: Awaited<ReturnType<typeof startServer>>;
let folder: TempDir;

beforeAll(async () => {
  folder = await tempDir('cairn-refs');
  server = await startServer();
  const client = await new GitClient(folder.path).init('project');
  await client.commit('Begin', { 'src/main.ts': 'const begin = 1;\n', [`${EVIL}/x`]: `needle ${EVIL}\n` });
  await client.run(['tag', '-a', '-m', `Release ${EVIL}\n\nWith notes.`, 'v1.0']);
  await client.run(['tag', 'light/1.0-rc1']);
  await client.run(['checkout', '-q', '-b', `side/${EVIL}`]);
  await client.commit(`Aside ${EVIL}`, { aside: '1' });
  await client.run(['checkout', '-q', 'main']);
  await client.commit('Go on', { on: '1', '.mailmap': 'Ann &"Co <user@example.com>\n' });
  await client.run(['push', '--quiet', '--tags', repositoryUrl(server, 'project'), 'main', `side/${EVIL}`]);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const get = (path: string, accept = 'text/html', repository = 'project') =>
  fetch(`${server.url}/${formatNpub(OWNER)}/${repository}/${path}`, { headers: { Accept: accept } });

async function page(path: string): Promise<string> {
  const response = await get(path);
  const body = await response.text();
  expect(response.status, body.slice(0, 300)).toBe(200);
  // Nothing that somebody wrote is HTML.
  expect(body).not.toContain('<img');
  expect(body).not.toMatch(/<[^>]*\s(on\w+|style)=/);
  return body;
}

async function json(path: string): Promise<unknown> {
  const response = await get(path, 'application/json');
  expect(response.status).toBe(200);
  const body: unknown = await response.json();
  const found = CODE_PAGES.find(({ word }) => word === path.split(/[/?]/)[0]);
  return found?.schema.parse(body);
}

describe('the list of branches and tags on pages of a path', () => {
  it('leads to the same path in another revision, or to the nearest existing folder', async () => {
    const root = `/${formatNpub(OWNER)}/project`;
    const menu =
      (await page('file/main/src/main.ts')).match(/<details class="switch">.*?<\/details>/s)?.[0] ?? '';
    expect(menu).toContain('<summary><span class="quiet">Branch</span> <bdi>main</bdi></summary>');
    expect(menu).toContain('<span aria-current="true"><bdi>main</bdi></span> <span class="badge">default');
    expect(menu).toContain(`href="${root}/switch/file/v1.0/src/main.ts" rel="nofollow"`);
    expect(await page('file/v1.0/src/main.ts')).toContain('<span class="quiet">Tag</span> <bdi>v1.0</bdi>');
    for (const word of ['', 'tree/main', 'blame/main/on', 'commits/main/on'])
      expect(await page(word), word).toContain('<details class="switch">');
    expect(await page('branches')).not.toContain('class="switch"');
    for (const [from, to] of [
      ['file/v1.0/src/main.ts', 'file/v1.0/src/main.ts'],
      ['file/v1.0/src/other', 'tree/v1.0/src'],
      ['file/v1.0/src/main.ts/below', 'tree/v1.0/src'],
      ['blame/v1.0/on', 'tree/v1.0'],
      ['blame/main/on', 'blame/main/on'],
      ['blame/main/src', 'tree/main/src'],
      ['tree/main/on', 'file/main/on'],
      ['commits/v1.0/src/none', 'commits/v1.0/src'],
      ['tree/light/1.0-rc1', 'tree/light/1.0-rc1'],
    ] as const) {
      const answer = await fetch(`${server.url}${root}/switch/${from}`, { redirect: 'manual' });
      expect([answer.status, answer.headers.get('location')], from).toEqual([302, `${root}/${to}`]);
      expect(answer.headers.get('cache-control')).toBe('no-cache');
    }
    // From the lists of all branches and tags, too.
    const branches = await page('branches?from=file/src/main.ts');
    expect(branches).toContain(`href="${root}/switch/file/main/src/main.ts" rel="nofollow"`);
    expect(branches).toContain('look at <code><bdi>src/main.ts</bdi></code>');
    expect(branches).toContain(`href="${root}/branches?order=name&amp;from=file%2Fsrc%2Fmain.ts"`);
    expect(await page('tags?from=tree/%25C3%25BC%2520')).toContain(
      `href="${root}/switch/tree/v1.0/%C3%BC%20"`,
    );
    for (const from of ['raw/x', 'file/%25', 'file/%2500', 'x', '']) {
      expect(await page(`branches?from=${from}`), from).toContain(
        `<a class="name" href="${root}/tree/main">`,
      );
    }
    expect((await get('switch/raw/main/on')).status).toBe(404);
    expect((await get('switch/file/none/on')).status).toBe(404);
  });
});

describe('the page of refs that contain a commit', () => {
  it('lists branches and tags', async () => {
    const { branches } = (await json('branches?order=name')) as { branches: { oid: string }[] };
    const [{ oid: tip = '' } = {}, { oid: aside = '' } = {}] = branches;
    const { commit } = (await json('tag/v1.0')) as { commit: { oid: string } };
    expect(await page(`commit/${tip}`)).toContain(`/contains/${tip}" rel="nofollow">Branches and tags</a>`);
    expect(await json(`contains/${commit.oid}`)).toMatchObject({
      branches: { refs: ['refs/heads/main', `refs/heads/side/${EVIL}`], count: 2 },
      tags: { refs: ['refs/tags/light/1.0-rc1', 'refs/tags/v1.0'], count: 2 },
      cut: false,
    });
    const body = await page(`contains/${aside}`);
    expect(body).toContain('<h2>1 branch</h2>');
    expect(body).not.toContain('<h2>0 tags');
    expect((await get(`contains/${'0'.repeat(40)}`)).status).toBe(404);
    expect((await get('contains/none')).status).toBe(404);
  });
});

describe('the page of branches', () => {
  it('shows the last author of each, and its distance from the default branch', async () => {
    const body = await page('branches');
    expect(body).toContain('2 branches');
    expect(body.indexOf('default</span>')).toBeLessThan(body.indexOf('1 ahead, 1 behind'));
    expect(body).toContain('Aside &lt;img');
    expect(body).toContain(`/receipts/refs/heads/main" rel="nofollow">receipts</a>`);
    expect(await json('branches?order=name')).toMatchObject({
      order: 'name',
      count: 2,
      branches: [
        { name: 'main', isDefault: true, apart: null },
        { name: `side/${EVIL}`, isDefault: false, apart: { ahead: 1, behind: 1, exact: true } },
      ],
    });
    expect((await json('branches?skip=2')) as object).toMatchObject({ branches: [] });
  });
});

describe('the pages of tags', () => {
  it('list releases with their texts and archives, and show each', async () => {
    const body = await page('tags');
    expect(body.indexOf('v1.0')).toBeLessThan(body.indexOf('light/1.0-rc1'));
    expect(body).toContain('archive/v1.0.tar.gz');
    const tag = await page('tag/v1.0');
    expect(tag).toContain('With notes.');
    for (const format of ['tar.gz', 'tar.zst', 'zip']) expect(tag).toContain(`archive/v1.0.${format}`);
    expect(tag).toContain('/receipts/refs/tags/v1.0"');
    expect(await page('tag/light/1.0-rc1')).toContain('lightweight');
    expect(await json('tag/v1.0')).toMatchObject({
      name: 'v1.0',
      annotations: [{ message: `Release ${EVIL}\n\nWith notes.\n` }],
      target: { type: 'commit' },
    });
    expect(await json('tags')).toMatchObject({
      count: 2,
      tags: [{ name: 'v1.0' }, { name: 'light/1.0-rc1' }],
    });
    for (const path of ['tag/none', 'tag', 'tag/light', 'tags/x', 'branches/x'])
      expect((await get(path)).status, path).toBe(404);
  });

  it('lead to the folder that a tag stands for', async () => {
    const client = await new GitClient(folder.path).init('folders');
    await client.commit('Begin', { 'src/main.ts': '' });
    await client.run(['tag', 'sources', 'main:src']);
    await client.run(['tag', '-a', '-m', 'Sources', 'annotated', 'main:src']);
    await client.run(['push', '--quiet', '--tags', repositoryUrl(server, 'folders'), 'main']);
    const text = async (path: string) => (await get(path, 'text/html', 'folders')).text();
    for (const tag of ['sources', 'annotated']) {
      const link = `href="/${formatNpub(OWNER)}/folders/tree/${tag}"`;
      for (const path of ['tags', `tag/${tag}`]) expect(await text(path)).toContain(link);
      expect(await text(`tree/${tag}`)).toContain('main.ts');
    }
  });

  it('have a feed, which is well-formed and has a validator', async () => {
    const feed = await get('tags/feed.atom');
    expect(feed.headers.get('content-type')).toBe('application/atom+xml; charset=utf-8');
    const body = await feed.text();
    expect([...body.matchAll(/<entry>/g)]).toHaveLength(2);
    expect(body).toContain(`<id>${server.url}/${formatNpub(OWNER)}/project/tag/v1.0#`);
    expect(body).not.toContain('<img');
    const again = await fetch(feed.url, { headers: { 'If-None-Match': feed.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
  });
});

describe('the page of contributors', () => {
  it('counts commits by person, using the mailmap', async () => {
    expect(await page('contributors')).toContain('2 commits');
    expect(await json('contributors/main')).toMatchObject({
      commits: 2,
      cut: false,
      people: [{ name: 'Ann &"Co', email: 'user@example.com', commits: 2 }],
    });
  });
});

it('people and messages in Latin-1, whose encoding no commit names, are shown and found everywhere alike', async () => {
  const client = await new GitClient(folder.path).init('latin1');
  const commit = (message: string) =>
    Buffer.from(
      `commit refs/heads/main\nauthor J\xfcrgen <j@example.org> 1700000000 +0000\ncommitter C <c@example.org> 1700000000 +0000\ndata ${message.length}\n${message}\n`,
      'latin1',
    );
  await client.run(['fast-import', '--quiet'], { input: commit('Gr\xfc\xdfe\n') });
  await client.run(['push', '--quiet', repositoryUrl(server, 'latin1'), 'main']);
  const read = async (path: string): Promise<unknown> =>
    (await get(path, 'application/json', 'latin1')).json();
  const found = { commits: [{ author: { name: 'Jürgen' }, message: 'Grüße\n' }] };
  expect(await read('commits/main')).toMatchObject(found);
  expect(await read('contributors/main')).toMatchObject({ people: [{ name: 'Jürgen', commits: 1 }] });
  for (const query of ['q=GRÜSSE', 'q=grüße', 'author=jürgen']) {
    const isThere = query !== 'q=GRÜSSE';
    expect(await read(`search/main?type=commits&${query}`)).toMatchObject(isThere ? found : { commits: [] });
  }
  expect(await read('commits/main?author=Jürgen')).toMatchObject(found);
});

describe('the page of searches', () => {
  it('finds code, paths and commits, and is a form that works without script', async () => {
    expect(await page('search')).toContain('<form class="search" role="search" method="get"');
    const code = await page(`search/main?q=${encodeURIComponent(`needle ${EVIL}`)}`);
    expect(code).toContain('<mark>needle &lt;img');
    expect(await json('search/main?q=begin&type=code')).toMatchObject({
      cut: false,
      files: [{ path: { text: 'src/main.ts' }, lines: [{ number: 1, found: { from: 6, to: 11 } }] }],
    });
    expect(await page('search/main?type=paths&q=smts')).toContain('file/main/src/main.ts');
    expect(await json('search/main?type=paths&q=smts')).toMatchObject({ paths: [{ at: [0, 4, 9, 10] }] });
    expect(await page('search/main?type=commits&q=begin')).toContain('1 commit.');
    expect(await json('search/main?type=commits&author=user@example.com&path=src')).toMatchObject({
      commits: [{ message: 'Begin\n' }],
    });
    expect(await page('search/v1.0?q=nowhere')).toContain('Nothing was found');
  });

  it('accepts one line of at most 200 characters, and reads it neither as a pattern nor as an option', async () => {
    for (const query of ['x'.repeat(201), 'a\nb', 'a\0b'])
      expect((await get(`search/main?q=${encodeURIComponent(query)}`)).status).toBe(400);
    for (const query of ['.*', '--open-files-in-pager=id', '-e', '\\', '((', ':(glob)**', '$(id)', '%00'])
      expect(await json(`search/main?q=${encodeURIComponent(query)}`), query).toMatchObject({ files: [] });
    for (const path of ['../..', 'src/../src', './src', 'src//main.ts'])
      expect((await get(`search/main?type=commits&path=${encodeURIComponent(path)}`)).status, path).toBe(404);
    for (const path of [':(top)src', '*', '--all', '-1'])
      expect(await json(`search/main?type=commits&path=${encodeURIComponent(path)}`)).toMatchObject({
        commits: [],
      });
  });
});

it('these pages are empty if the default branch does not exist yet', async () => {
  const client = new GitClient(folder.path).at('project');
  await client.run(['push', '--quiet', repositoryUrl(server, 'unborn'), 'v1.0']);
  for (const [path, words] of [
    ['branches', 'There is no branch yet'],
    ['contributors', '0 people'],
    ['search?q=x', 'Search'],
    ['tags', '1 tag'],
  ] as const) {
    const answer = await get(path, 'text/html', 'unborn');
    expect(await answer.text(), path).toContain(words);
    expect(answer.status).toBe(200);
  }
});

it('these pages of a missing repository are not found', async () => {
  for (const path of [
    'branches',
    'tags',
    'tags/feed.atom',
    'tag/v1.0',
    'contributors',
    'search',
    'archive/main.zip',
  ])
    expect((await get(path, 'text/html', 'missing')).status, path).toBe(404);
});

describe('a parameter that makes no sense', () => {
  /** Parameters that are numbers, and those that are one of some words. */
  const NUMBERS = ['skip', 'file', 'page', 'parent'];
  const CHOICES = ['type', 'order', 'view'];

  it('is refused with its reason, on every page that has it, for people and programs', async () => {
    const id = ((await json('commits/main')) as { commits: { oid: string }[] }).commits[0]?.oid ?? '';
    const places: Readonly<Record<string, string>> = {
      blame: 'blame/main/aside',
      commit: `commit/${id}`,
      compare: 'compare/v1.0...main',
      contains: `contains/${id}`,
      file: 'file/main/on',
      tag: 'tag/v1.0',
    };
    let tried = 0;
    for (const { word, description } of CODE_PAGES) {
      for (const name of Object.keys(description.query ?? {})) {
        const reason = NUMBERS.includes(name)
          ? `${name} is a whole number`
          : CHOICES.includes(name)
            ? `${name} is one of: `
            : undefined;
        const path = `${places[word] ?? word}?${name}=senseless`;
        const answer = await get(path, 'application/json');
        if (reason === undefined) {
          expect(answer.status, path).toBeLessThan(500);
          continue;
        }
        tried++;
        expect(answer.status, path).toBe(400);
        expect(await answer.json()).toMatchObject({
          error: { kind: 'invalid', message: expect.stringContaining(reason) },
        });
        const shown = await get(path);
        expect(shown.status, path).toBe(400);
        const body = await shown.text();
        expect(body, path).toContain(reason);
        // The repository and its parts stay above.
        expect(body, path).toContain('aria-label="Repository"');
      }
    }
    expect(tried).toBeGreaterThan(12);
  });
});
