/** The first page of repositories made by real git: what is in the default branch, its README and its languages. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overviewPage } from '../../src/web/code/pages/overview/overview-page.ts';
import { CodeRig, textOf } from '../helpers/code-rig.ts';

let rig: CodeRig;

beforeAll(async () => {
  rig = await CodeRig.open({ renders: true });
});
afterAll(() => rig[Symbol.asyncDispose]());

const README = '# The *Tool*\n\nSee [the guide](docs/guide.md) ![](logo.svg)\n\n<script>alert(1)</script>\n';

describe('the overview', () => {
  it('shows the last commit, the files, the README, the languages, and counts of branches and tags', async () => {
    const { client, push, page, json, get } = await rig.project('tool');
    await client.commit('Begin', {
      'README.md': README,
      'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
      'src/main.ts': 'x'.repeat(300),
      'src/part.c': 'y'.repeat(100),
      'node_modules/other/index.js': 'z'.repeat(9_000),
      'docs/README': 'plain <b>\n',
      'docs/guide.md': '# Guide\n',
    });
    await client.run(['branch', 'next']);
    await client.run(['tag', 'v1']);
    await push('main', 'next', 'v1');
    const html = await page('');
    expect(html).toContain('<bdi>Begin</bdi>');
    expect(html).toContain('<h1 id="user-content-the-tool">The <em>Tool</em>');
    expect(html).toMatch(/href="\/npub1[a-z0-9]+\/tool\/file\/main\/docs\/guide.md">the guide/);
    expect(html).toMatch(/<img src="\/npub1[a-z0-9]+\/tool\/raw\/main\/logo.svg"/);
    expect(html).not.toContain('alert(1)');
    expect(html).toContain('>2 branches</a>');
    expect(html).toContain('>1 tag</a>');
    expect(html).toContain('TypeScript <span class="quiet">75.0 %</span>');
    expect(html).toContain('<dt>Last push</dt>');
    expect(await page('tree/main/docs')).toContain('<pre class="plain-text" tabindex="0">plain &lt;b&gt;');
    const data = overviewPage.json.schema.parse(await json(''));
    expect(data).toMatchObject({
      defaultBranch: { name: 'main' },
      branches: 2,
      tags: 1,
      languages: [
        { name: 'TypeScript', bytes: 300 },
        { name: 'C', bytes: 100 },
      ],
      latestCommit: { message: 'Begin\n' },
      lastChange: { by: [] },
    });
    expect(data.size).toBeGreaterThan(0);
    const etag = (await get('')).headers.get('etag') ?? '';
    expect((await get('', { 'If-None-Match': etag })).status).toBe(304);
    await client.commit('Go on', { 'src/main.ts': 'x' });
    await push();
    const changed = await get('', { 'If-None-Match': etag });
    expect(await textOf(changed)).toContain('<bdi>Go on</bdi>');
  });

  it('shows first steps in an empty repository, and reports a missing default branch', async () => {
    const { client, push, page, json } = await rig.project('fresh');
    await client.commit('Begin', { a: 'a' });
    await push('main:refs/tags/v1');
    const missing = await page('');
    expect(missing).toContain('does not exist. The repository has 0 branches and 1 tag.');
    expect(missing).not.toContain('>Files</a>');
    await push(':refs/tags/v1');
    expect(await page('')).toContain('Nothing has been pushed');
    expect(overviewPage.json.schema.parse(await json(''))).toMatchObject({
      defaultBranch: { oid: null },
      latestCommit: null,
      languages: [],
    });
  });

  it('follows a README that is a link inside the repository, and no other', async () => {
    const { client, push, page } = await rig.project('linked');
    await client.commit('Begin', { 'docs/intro.md': '[up](../src/a.c) and [here](b.md)', 'src/a.c': '' });
    const link = async (target: string) => {
      const oid = (await client.run(['hash-object', '-w', '--stdin'], { input: target })).trim();
      await client.run(['update-index', '--add', '--cacheinfo', `120000,${oid},README.md`]);
      await client.run(['commit', '--quiet', '-m', target]);
      await push('main');
      return page('');
    };
    const followed = await link('docs/intro.md');
    expect(followed).toMatch(/href="[^"]*\/file\/main\/src\/a.c">up/);
    expect(followed).toMatch(/href="[^"]*\/file\/main\/docs\/b.md">here/);
    for (const target of ['/etc/passwd', '../../x', 'missing.md', 'docs', '.'])
      expect(await link(target)).not.toContain('class="readme"');
  });

  it('shows a README that is not Markdown as plain text, and none that is too large or binary', async () => {
    const { client, push, page } = await rig.project('readmes');
    const shown = async (files: Record<string, string | Buffer>) => {
      await client.commit('Change', files);
      await push();
      return page('');
    };
    expect(await shown({ 'README.rst': 'Title\n=====\n' })).toContain('Title\n=====');
    expect(await shown({ Readme: 'whole <i>' })).toContain('whole &lt;i&gt;');
    expect(await shown({ 'readme.MD': '*best*' })).toContain('<em>best</em>');
    expect(await shown({ 'readme.MD': Buffer.from([0, 1, 2]) })).toContain('This is a binary file');
    expect(await shown({ 'readme.MD': 'x'.repeat(600_000) })).toContain('too large to be shown');
  });
});
