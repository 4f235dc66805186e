/** Comparisons of two commits, and patches that `git am` takes, of repositories made by real git. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CodeRig, textOf } from '../helpers/code-rig.ts';
import type { GitClient } from '../helpers/git-client.ts';
import { importHistory } from '../helpers/import-history.ts';

let rig: CodeRig;
beforeAll(async () => {
  rig = await CodeRig.open();
});
afterAll(() => rig[Symbol.asyncDispose]());

const tipOf = (client: GitClient, revision: string) => client.run(['rev-parse', revision]);
const subjectsOf = (page: string) =>
  [...page.matchAll(/class="subject" href[^>]*><bdi>([^<]*)/g)].map(([, text]) => text);

describe('comparisons', () => {
  it('list what the first lacks, however wrong the clocks of its commits were', async () => {
    const { client, push, page, get } = await rig.project('clocks');
    const year = (number: number) => Date.UTC(number, 0, 1) / 1000;
    const dates = [2026, 2026, ...Array.from({ length: 12 }, () => 1971), 2020];
    const commits = dates.map((date, at) => ({
      ref: 'refs/heads/main',
      message: `Commit ${at}`,
      at: year(date) + at,
      files: { [`f${at}`]: 'x\n' },
    }));
    const ids = await importHistory(client, commits);
    await client.run(['branch', 'side', ids[1] ?? '']);
    await push('main', 'side');
    // Stock git is deceived: what it prints here has been there before.
    expect(await client.run(['rev-list', '--count', 'main..side'])).toBe('2');
    const shown = await page('compare/main...side');
    expect(shown).toContain('No commits.');
    expect(subjectsOf(shown)).toEqual([]);
    expect(await (await get('compare/main...side.patch')).text()).toBe('');
    expect(subjectsOf(await page('compare/side...main'))).toHaveLength(13);
  });

  it('start at the merge base with three dots, and at the first ref with two; refs may have slashes', async () => {
    const { client, push, page, get, json } = await rig.project('compare');
    await client.commit('Begin', { a: '1\n' });
    await client.run(['checkout', '-q', '-b', 'feature/x.y']);
    await client.commit('Side 1', { side: '1\n' });
    await client.commit('Side 2', { side: '2\n' });
    await client.run(['checkout', '-q', 'main']);
    await client.commit('Main', { main: '1\n' });
    await client.run(['tag', '-a', '-m', 'tagged', 'v1']);
    await client.run(['checkout', '-q', '--orphan', 'alone']);
    await client.commit('Alone', { alone: '1\n' });
    await push('main', 'feature/x.y', 'v1', 'alone');
    const base = await tipOf(client, 'main~1');
    for (const path of [
      'main...feature/x.y',
      'v1...feature%2Fx.y',
      '...refs/heads/feature/x.y',
      'feature/x.y',
    ]) {
      const shown = await page(`compare/${path}`);
      expect(subjectsOf(shown), path).toEqual(['Side 2', 'Side 1']);
      expect(shown).toContain('1 changed file <span');
      expect(shown).toContain(`/commit/${base}"><code>${base.slice(0, 10)}</code></a>.`);
    }
    expect(await page('compare?base=main&head=feature/x.y')).toContain('1 changed file <span');
    const two = await page('compare/main..feature/x.y');
    expect(subjectsOf(two)).toEqual(['Side 2', 'Side 1']);
    expect(two).toContain('2 changed files');
    expect(await page('compare/main...v1')).toContain('are the same commit');
    expect(await page(`compare/main...${base}`)).toContain('has everything of');
    expect(await page(`compare/${base}...main`)).toContain(', and more.');
    const nothing = await page('compare/main...alone');
    expect(nothing).toContain('have nothing in common.');
    expect(nothing).not.toContain('changed file');
    expect(await page('compare/main..alone')).toContain('1 changed file <span');
    expect(await json('compare/main...feature/x.y?view=split')).toMatchObject({
      mergeBase: base,
      more: false,
      commits: [{ message: 'Side 2\n' }, { message: 'Side 1\n' }],
      differences: { count: 1 },
    });
    for (const none of ['none...main', 'main...none', 'main...feature', 'main/a...main', 'main....main'])
      await textOf(await get(`compare/${none}`), 404);
    await textOf(await get('compare/main...alone.diff'), 404);
  });

  it('show hostile ref names as text', async () => {
    const { client, push, page } = await rig.project('hostile-refs');
    await client.commit('Begin', { a: '1\n' });
    const name = `'"><svg/onload=alert(1)><b>&amp;`;
    await client.run(['checkout', '-q', '-b', name]);
    await client.commit('More', { a: '2\n' });
    await push('main', name);
    const encoded = encodeURIComponent(name);
    for (const path of [`compare/main...${encoded}`, `compare/${encoded}..main`, `compare?base=${encoded}`]) {
      const shown = await page(path);
      expect(shown, path).not.toMatch(/<svg\/|<b>|="[^"]*"onload/);
      expect(shown).toContain('&lt;svg/onload=alert(1)&gt;&lt;b&gt;&amp;amp;');
    }
    const tree = encodeURIComponent(name).replaceAll('%2F', '/');
    expect(await page(`commits/${tree}`)).not.toMatch(/<svg\/|<b>/);
    expect(await page(`feed/${tree}`)).not.toMatch(/<svg\/|<b>/);
  });

  it('have pages of commits, and of single files', async () => {
    const { client, push, page } = await rig.project('paged');
    const stream = Array.from({ length: 120 }, (_, at) => {
      return `commit refs/heads/main\ncommitter N <n@example.org> ${1_000_000 + at} +0000\ndata <<E\nCommit ${at}\nE\nM 644 inline f${at}\ndata <<E\n${at}\nE\n`;
    });
    await client.run(['fast-import', '--quiet', '--done'], { input: `${stream.join('')}done\n` });
    await push();
    const root = await tipOf(client, 'main~119');
    const first = await page(`compare/${root}...main?w=1`);
    expect(subjectsOf(first)).toHaveLength(50);
    expect(first).toContain(`/compare/${root}...main?w=1&amp;skip=50"`);
    const last = await page(`compare/${root}...main?skip=100`);
    expect(subjectsOf(last)).toHaveLength(19);
    expect(last).not.toContain('rel="next"');
    expect(await page(`compare/${root}...main?file=119`)).toContain('File 119 of 119.');
  });
});

describe('patches', () => {
  for (const format of ['sha1', 'sha256'] as const) {
    it(`are accepted by git am and git apply, with the same trees, in ${format}`, async () => {
      const { client, push, get, id } = await rig.project(`patch-${format}`, `--object-format=${format}`);
      await rig.server.announce(id, { objectFormat: format });
      const long = Array.from({ length: 40 }, (_, at) => `line ${at}`).join('\n');
      await client.commit('Root', {
        'old name': `${long}\n`,
        bin: Buffer.from([0, 1, 2]),
        gone: 'x',
        'ünï "q"\t': 'é\n',
      });
      await client.run(['mv', 'old name', 'new\nname']);
      await client.run(['rm', '-q', 'gone']);
      await client.commit(
        'Grüße: a subject that is long enough to be folded, with ünïcode → and "quotes", [x] y\n\nFrom here on.',
        {
          bin: Buffer.from(Array.from({ length: 5_000 }, (_, at) => (at * at) % 256)),
          'ünï "q"\t': 'é\nmore',
          'crlf.txt': 'a\r\nb\r\n',
          latin1: Buffer.from('caf\xe9\n', 'latin1'),
        },
      );
      await client.run(['update-index', '--chmod=+x', 'crlf.txt']);
      const link = await client.run(['hash-object', '-w', '--stdin'], { input: 'to' });
      await client.run(['update-index', '--add', '--cacheinfo', `120000,${link},a link`]);
      await client.run(['-c', 'user.name=Jörg "Q" <x>', 'commit', '-q', '-m', 'Modes'], {
        env: { GIT_AUTHOR_NAME: 'Jörg, Ä.', GIT_AUTHOR_EMAIL: 'j@example.org', GIT_AUTHOR_DATE: '@5 +1400' },
      });
      await client.run(['reset', '-q', '--hard']);
      await push();
      const body = async (path: string) => Buffer.from(await (await get(path)).arrayBuffer());
      const commits = (await client.run(['rev-list', '--reverse', 'main'])).split('\n');
      // Each commit alone, on its parent.
      await client.run(['checkout', '-q', '--orphan', 'again']);
      await client.run(['rm', '-rfq', '.']);
      for (const oid of commits) {
        await client.run(['am', '-q', '--keep-cr'], { input: await body(`commit/${oid}.patch`) });
        expect(await tipOf(client, 'HEAD^{tree}'), oid).toBe(await tipOf(client, `${oid}^{tree}`));
        const format = '--format=%an <%ae> %ad%n%B';
        expect(await client.run(['log', '-1', format, 'HEAD'])).toBe(
          (await client.run(['log', '-1', format, oid])).replace(/^(?:\[x\] )/m, ''),
        );
      }
      // All that follow the first one, and as one diff.
      const [root = ''] = commits;
      await client.run(['checkout', '-q', '-B', 'again', root]);
      await client.run(['am', '-q', '--keep-cr'], { input: await body(`compare/${root}...main.patch`) });
      expect(await tipOf(client, 'HEAD^{tree}')).toBe(await tipOf(client, 'main^{tree}'));
      expect(await tipOf(client, 'HEAD~2')).toBe(root);
      for (const path of [`compare/${root}..main.diff`, `compare/${root}...main.diff`]) {
        await client.run(['checkout', '-q', '-f', '-B', 'again', root]);
        await client.run(['apply', '--index'], { input: await body(path) });
        expect(await client.run(['write-tree'])).toBe(await tipOf(client, 'main^{tree}'));
      }
      await client.run(['checkout', '-q', '-f', 'main']);
    });
  }

  it('show changes against the first parent for merges, and a message for empty commits', async () => {
    const { client, push, get, page } = await rig.project('patch-merge');
    const root = await client.commit('Begin', { a: '1\n' });
    await client.run(['checkout', '-q', '-b', 'side']);
    await client.commit('Side', { side: '1\n' });
    await client.run(['checkout', '-q', 'main']);
    await client.commit('Main', { main: '1\n' });
    await client.run(['merge', '-q', '-m', 'Merge <b>', 'side']);
    const merge = await tipOf(client, 'main');
    const empty = await client.commit('Nothing changes');
    await push();
    const patch = await page(`commit/${merge}.patch`);
    expect(patch).toContain('Subject: [PATCH] Merge <b>');
    await client.run(['checkout', '-q', '-B', 'again', `${merge}~1`]);
    await client.run(['am', '-q'], { input: patch });
    expect(await tipOf(client, 'HEAD^{tree}')).toBe(await tipOf(client, `${merge}^{tree}`));
    expect(await page(`commit/${merge}.diff`)).toMatch(/^diff --git a\/side b\/side\n/);
    expect(await page(`commit/${empty}.patch`)).toContain('Subject: [PATCH] Nothing changes');
    expect(await page(`commit/${empty}.diff`)).toBe('');
    // A series has no merges, and nothing that git am would stop at.
    const series = await page(`compare/${root}...main.patch`);
    const subjects = [...series.matchAll(/^Subject: \[PATCH \d\/\d\] (.*)$/gm)].map(([, subject]) => subject);
    expect(subjects.sort()).toEqual(['Main', 'Side']);
    const answer = await get(`commit/${merge}.patch`);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toContain('sandbox');
    await answer.body?.cancel();
    const known = await get(`commit/${merge}.patch`, { 'If-None-Match': answer.headers.get('etag') ?? '' });
    expect([known.status, await known.text()]).toEqual([304, '']);
    for (const none of [`commit/${'0'.repeat(40)}.patch`, 'commit/none.patch', 'compare/none...main.diff'])
      await textOf(await get(none), 404);
  });
});
