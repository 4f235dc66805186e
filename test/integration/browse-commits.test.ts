/** Pages of commits and their differences, of repositories made by real git, through the routes that serve them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CodeRig, textOf } from '../helpers/code-rig.ts';

let rig: CodeRig;
beforeAll(async () => {
  rig = await CodeRig.open();
});
afterAll(() => rig[Symbol.asyncDispose]());

/** The text of each cell of code, with the marks of words. */
function codeOf(page: string): string[] {
  return [...page.matchAll(/<code>([-+ ].*?)<\/code>/g)].map(([, code = '']) => code);
}

describe('the page of a commit', () => {
  it('links URLs and commits in the message, and lists its trailers', async () => {
    const { client, push, page } = await rig.project('message');
    const first = await client.commit('Begin');
    // Digits alone are more often a number than an id, so that they are no link.
    const short = first.slice(0, Math.max(8, first.search(/[a-f]/) + 1));
    const message = `Fix ${short} (#12)

See https://example.org/a(b)?x=1&y=<2>, deadbeef and ${first}.
  Indented <b>.

Fixes: #3
Reviewed-by: R <r@example.org>`;
    const oid = await client.commit(message);
    await push();
    const shown = await page(`commit/${oid}`);
    expect(shown).toContain('href="https://example.org/a(b)?x=1&amp;y="');
    expect([...shown.matchAll(new RegExp(`/commit/${first}"`, 'g'))]).toHaveLength(3);
    expect(shown).not.toMatch(/<a [^>]*>#?(?:12|deadbeef)</);
    expect(shown).toContain('  Indented &lt;b&gt;.');
    expect(shown).toContain('<dt><bdi>Reviewed-by</bdi></dt><dd><bdi>R &lt;r@example.org&gt;</bdi></dd>');
    expect(shown.match(/Reviewed-by/g)).toHaveLength(1);
  });

  it('shows changes in one or two columns, with changed words, with or without white space', async () => {
    const { client, push, page } = await rig.project('views');
    const long = 'line\n'.repeat(20);
    const begin = await client.commit('Begin', {
      a: 'const size = 1;\nkept\n',
      long,
      b: 'if (x) {\n  y\n}\n',
      crlf: 'a\r\nb\n',
    });
    const oid = await client.commit('Change', {
      a: 'const length = 1;\nkept\n',
      b: 'if (x) {\n      y\n}\n',
      crlf: 'a\nb\n',
    });
    const last = await client.commit('Go on', { long: `${long}last\n` });
    await push();
    const unified = await page(`commit/${oid}`);
    expect(codeOf(unified)).toEqual(
      expect.arrayContaining([
        '-const <mark>size</mark> = 1;',
        '+const <mark>length</mark> = 1;',
        ' kept',
        '-a<mark>␍</mark>',
      ]),
    );
    expect(unified).toContain(
      '<span class="quiet"><span class="plus">+3</span> <span class="minus">−3</span></span>',
    );
    const split = await page(`commit/${oid}?view=split`);
    // Regions of a page have different names.
    for (const shown of [unified, split]) {
      const names = [...shown.matchAll(/role="region" aria-labelledby="([^"]*)"/g)].map(([, id]) =>
        shown.match(new RegExp(`id="${id}"><bdi>([^<]*)`))?.at(1),
      );
      expect(names).toEqual(['a', 'b', 'crlf']);
    }
    expect(split).toMatch(
      /<td class="number">1<\/td><td class="deleted">.*size.*<\/td><td class="number">1<\/td><td class="added">.*length/,
    );
    // No empty column, and nothing left out before the first line of a file.
    const added = await page(`commit/${begin}?view=split`);
    expect(added).not.toMatch(/class="code diff split"|class="hunk"/);
    expect(split).not.toContain('class="hunk"');
    expect((await page(`commit/${last}?view=split`)).match(/class="hunk"/g)).toHaveLength(1);
    const spaceless = await page(`commit/${oid}?w=1`);
    expect(spaceless).toContain('3 changed files');
    expect(spaceless.match(/Only white space differs\./g)).toHaveLength(2);
    expect(codeOf(spaceless)).toHaveLength(3);
    expect(spaceless).toContain('With white space');
  });

  it('shows renames, modes, links, submodules and binary files with any names', async () => {
    const { client, push, page } = await rig.project('kinds');
    const long = Array.from({ length: 30 }, (_, at) => `line ${at}`).join('\n');
    await client.commit('Begin', {
      'moved "quoted" é\tx': `${long}\n`,
      type: 'a file\n',
      bin: Buffer.from([0]),
    });
    await client.run(['update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},sub`]);
    await client.run(['commit', '-qm', 'Submodule']);
    const link = await client.run(['hash-object', '-w', '--stdin'], { input: 'a link' });
    await client.run(['rm', '-q', '--cached', 'type', 'moved "quoted" é\tx']);
    const moved = await client.run(['hash-object', '-w', '--stdin'], { input: `${long}\nmore\n` });
    await client.run(['update-index', '--add', '--cacheinfo', `120000,${link},type`]);
    await client.run(['update-index', '--add', '--cacheinfo', `100755,${moved},to/a\nb`]);
    await client.run(['update-index', '--cacheinfo', `160000,${'2'.repeat(40)},sub`]);
    await client.run(['update-index', '--force-remove', 'bin']);
    await client.run(['commit', '-qm', 'Change']);
    await push();
    const oid = await client.oidOf('main');
    const shown = await page(`commit/${oid}`);
    expect(shown).toContain('moved &quot;quoted&quot; é\tx</bdi> → <bdi>to/a\nb</bdi>');
    expect(shown).toContain('renamed, mode 100644 → 100755, <span class="plus">+1</span>');
    expect(codeOf(shown)).toEqual(expect.arrayContaining(['+more', '-a file', '+a link']));
    expect(shown).toContain('type-changed, mode 100644 → 120000');
    expect(shown).toContain('Submodule <code>1111111111</code> → <code>2222222222</code>');
    expect(shown).toContain('Binary file, or a very large one.');
    expect(shown).toContain(`/file/${oid}/to/a%0Ab"`);
    // Each of them alone is the same.
    const files = [...shown.matchAll(/<details class="file".*?<\/details>/gs)].map(([file]) => file);
    for (const [at, file] of files.entries()) {
      const alone = await page(`commit/${oid}?file=${at + 1}`);
      expect(codeOf(alone)).toEqual(codeOf(file));
      expect(alone).toContain(`File ${at + 1} of 4.`);
    }
    await textOf(await await rig.app.request('/'), 404);
  });

  it('shows all of a first paragraph that is longer than a heading', async () => {
    const { client, push, page } = await rig.project('paragraph');
    const paragraph = `${'Because it had to be explained. '.repeat(40)}This is why.`;
    for (const [message, rest] of [
      [paragraph, ''],
      [`${paragraph}\n\nAnd more.\n\nReviewed-by: Bob <bob@example.org>`, '\n\nAnd more.'],
    ] as const) {
      const oid = await client.commit(message, { a: message });
      await push();
      const shown = await page(`commit/${oid}`);
      expect(shown.match(/<h1 class="subject">.*?…<\/bdi><\/h1>/)).not.toBeNull();
      expect(shown).toContain(`<div class="message"><bdi>${paragraph}${rest}</bdi></div>`);
    }
  });

  it('compares a merge with each of its eight parents, and marks a root commit', async () => {
    const { client, push, page, get } = await rig.project('merges');
    const root = await client.commit('Root', { root: '1\n' });
    const sides: string[] = [];
    for (let side = 1; side <= 7; side++) {
      await client.run(['checkout', '-q', '-b', `side-${side}`, root]);
      sides.push(await client.commit(`Side ${side}`, { [`side-${side}`]: `${side}\n` }));
    }
    await client.run(['checkout', '-q', 'main']);
    await client.commit('Main', { main: '1\n' });
    await client.run(['merge', '-q', '-m', 'Octopus', ...sides]);
    await client.run(['commit', '-q', '--allow-empty', '--allow-empty-message', '-m', '']);
    const tip = await client.oidOf('main');
    await push();
    const merge = await client.run(['rev-parse', 'main~1']);
    const first = await page(`commit/${merge}`);
    expect(first).toContain('7 changed files');
    expect(first.match(/compare with this parent/g)).toHaveLength(7);
    const eighth = await page(`commit/${merge}?parent=8`);
    expect(eighth).toContain('>main</bdi>');
    expect(eighth).toContain('7 changed files');
    expect(eighth).toContain('?parent=8&amp;view=split#changes');
    expect(eighth).not.toContain('id="file-8"');
    await textOf(await get(`commit/${merge}?parent=9`), 404);
    expect(await page(`commit/${root}`)).toContain('this is where the history begins');
    const nothing = await page(`commit/${tip}`);
    expect(nothing).toContain('<em>no message</em>');
    expect(nothing).toContain('No file differs.');
  });

  it('shows a large change up to a limit, and the rest one file at a time', async () => {
    const { client, push, page, get, json } = await rig.project('large');
    const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}\n`).join('');
    const files = Object.fromEntries(
      Array.from({ length: 320 }, (_, at) => [
        `f${String(at).padStart(3, '0')}`,
        lines(at === 0 ? 30_000 : 100),
      ]),
    );
    const oid = await client.commit('Large', files);
    await push();
    const shown = await page(`commit/${oid}`);
    expect(codeOf(shown)).toHaveLength(6_000);
    expect(shown.length).toBeLessThan(2_000_000);
    expect(shown).toContain('Files 1 to 300.');
    expect(shown).toMatch(/More lines of this file differ\. <a href="[^"]*\?file=1">/);
    expect(shown).toMatch(/Not shown among so many changes\. <a href="[^"]*\?file=300">/);
    const second = await page(`commit/${oid}?page=2`);
    expect(second).toContain('Files 301 to 320.');
    expect(second).toContain('?file=320"');
    expect(codeOf(second)).toEqual([]);
    expect(codeOf(await page(`commit/${oid}?file=320`))).toHaveLength(100);
    const whole = await page(`commit/${oid}?file=1`);
    expect(codeOf(whole)).toHaveLength(10_000);
    expect(whole).toContain('The rest of the changes of this file is not shown.');
    for (const path of ['?file=321', '?page=3']) await textOf(await get(`commit/${oid}${path}`), 404);
    expect(await json(`commit/${oid}?file=320`)).toMatchObject({
      parent: 0,
      differences: { count: 320, first: 319, totals: { added: 61_900, deleted: 0 } },
    });
  });

  it('is bounded with very many files, parents, or ids in a message', async () => {
    const { client, push, page, json } = await rig.project('much');
    const blob = await client.run(['hash-object', '-w', '--stdin'], { input: 'x\n' });
    const entries = Array.from({ length: 1_200 }, (_, at) => `100644 blob ${blob}\tf${at}\n`).join('');
    const tree = await client.run(['mktree'], { input: entries });
    const make = (args: string[], input = 'x') =>
      client.run(['commit-tree', tree, ...args], { input, env: { GIT_COMMITTER_DATE: '@5 +0000' } });
    const parents: string[] = [];
    for (let at = 0; at < 100; at++) parents.push(await make([], `Parent ${at}`));
    const merge = await make(
      parents.flatMap((oid) => ['-p', oid]),
      `Many\n\n${parents.join(' ')}\n`,
    );
    await client.run(['update-ref', 'refs/heads/main', merge]);
    await push();
    // To count lines git would compare all files.
    expect(await json(`commit/${parents[0]}`)).toMatchObject({
      differences: { count: 1_200, totals: null, files: { length: 300 } },
    });
    expect(await page(`commit/${parents[0]}?file=1200`)).toContain('File 1200 of 1,200.');
    const shown = await page(`commit/${merge}`);
    expect(shown.match(/<dt>Parent<\/dt>/g)).toHaveLength(64);
    expect(shown).toContain('and 36 more');
    // 64 as parents, 50 in the message, one of its files, its history, patch and so on.
    expect(shown.match(/href="[^"]*\/commit\/[0-9a-f]{40}"/g)).toHaveLength(114);
    expect(await page(`commit/${merge}?parent=100`)).toContain('No file differs.');
  });

  it('shows people’s texts as text, and runs nothing in them', async () => {
    const { client, push, page } = await rig.project('hostile');
    const evil = '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>';
    await client.commit('Begin', { a: 'x\n' });
    const oid = await client.commit(
      `${evil}\n\n${evil} javascript:alert(1) https://e.org/"onx=1\n\nX-${1}: ${evil}`,
      {
        a: `${evil}\n`,
        [evil.replaceAll('/', '')]: evil,
      },
    );
    await push();
    const shown = await page(`commit/${oid}`);
    expect(shown).not.toContain('<img');
    expect(shown.match(/<script/g) ?? []).toHaveLength(
      (await page('commits/main')).match(/<script/g)?.length ?? 0,
    );
    expect(shown).not.toMatch(/href="javascript:/);
    expect(shown).not.toMatch(/ style=/);
  });
});

describe('histories', () => {
  it('follow first parents on request only, and name earlier names of a file', async () => {
    const { client, push, page, json } = await rig.project('histories');
    const long = Array.from({ length: 20 }, (_, at) => `line ${at}\n`).join('');
    await client.commit('Old', { 'old/näme': long });
    await client.run(['mv', 'old', 'new']);
    const renamed = await client.commit('Rename');
    await client.run(['checkout', '-q', '-b', 'side']);
    await client.commit('Side', { side: '1' });
    await client.run(['checkout', '-q', 'main']);
    await client.commit('Main', { main: '1' });
    await client.run(['merge', '-q', '-m', 'Merge', 'side']);
    await push();
    const subjects = (shown: string) =>
      [...shown.matchAll(/class="subject" href[^>]*><bdi>([^<]*)/g)].map(([, text]) => text);
    expect(subjects(await page('commits/main'))).toHaveLength(5);
    expect(
      (await page('commits/main')).match(/<svg class="graph" aria-hidden="true" width="28"/g),
    ).toHaveLength(5);
    const first = await page('commits/main?first-parent=1');
    expect(first).not.toContain('class="graph"');
    expect(subjects(first)).toEqual(['Merge', 'Main', 'Rename', 'Old']);
    const file = await page('commits/main/new/n%C3%A4me');
    expect(subjects(file)).toEqual(['Rename']);
    expect(file).toContain('<title>Commits of new/näme at main · histories</title>');
    const before = await client.run(['rev-parse', `${renamed}~1`]);
    expect(file).toContain(`/commits/${before}/old/n%C3%A4me"`);
    expect(await json('commits/main/new/n%C3%A4me')).toMatchObject({
      renamed: { commit: before, path: { text: 'old/näme' } },
    });
    expect(await page('commits/main/side')).not.toContain('Renamed here');
  });

  it('are filtered by author, days and path, in pages, and no query becomes an option of git', async () => {
    const { client, push, page, json, get } = await rig.project('filters');
    const stream = Array.from({ length: 120 }, (_, at) => {
      const who = at % 2 === 0 ? 'Ann Lee <ann@example.org>' : 'Bob <bob@example.org>';
      const when = Date.UTC(2024, 0, 1 + at, 12) / 1000;
      return `commit refs/heads/main\nauthor ${who} ${when} +0000\ncommitter C <c@example.org> ${when} +0000\ndata 5\nNo${String(at).padStart(3, '0')}M 100644 inline ${at % 3 === 0 ? 'a/x' : 'y'}\ndata 4\n${String(at).padStart(3, '0')}\n\n`;
    });
    await client.run(['fast-import', '--quiet'], { input: stream.join('') });
    await push();
    const found = async (query: string) => {
      const { commits, more } = (await json(`commits/main${query}`)) as {
        commits: { message: string }[];
        more: boolean;
      };
      return [commits.length, commits.at(0)?.message, commits.at(-1)?.message, more];
    };
    expect(await found('?author=ann')).toEqual([50, 'No118', 'No020', true]);
    expect(await found('?author=LEE&skip=50')).toEqual([10, 'No018', 'No000', false]);
    expect(await found('?author=bob@&since=2024-01-10&until=2024-01-14')).toEqual([
      3,
      'No013',
      'No009',
      false,
    ]);
    expect(await found('?since=2024-01-03&until=2024-01-03')).toEqual([1, 'No002', 'No002', false]);
    expect(await found('/a/x?author=Bob&until=2024-01-31')).toEqual([5, 'No027', 'No003', false]);
    expect(await found('/a/x?since=2024-04-01&first-parent=1')).toEqual([9, 'No117', 'No093', false]);
    expect(await found('?since=1960-01-01&author=--all')).toEqual([0, undefined, undefined, false]);
    const shown = await page('commits/main?author=ann&since=2024-01-01&until=2024-12-31');
    expect(shown).toContain('value="ann"');
    expect(shown).toMatch(
      /rel="next" href="[^"]*\?author=ann&amp;since=2024-01-01&amp;until=2024-12-31&amp;skip=50"/,
    );
    expect(await page('commits/main?author="><b>')).toContain('value="&quot;&gt;&lt;b&gt;"');
    expect(await page('contributors')).toContain('/commits/main?author=ann%40example.org"');
    for (const query of [
      'since=yesterday',
      'until=2024-02-30',
      'since=2024-1-1',
      `author=${'a'.repeat(201)}`,
      'skip=-1',
      'skip=10000000',
    ]) {
      const answer = await get(`commits/main?${query}`);
      expect(answer.status, query).toBe(400);
      expect(await answer.text(), query).toMatch(/ (?:is a day like|has at most|is a whole number)/);
    }
  });

  it('are Atom feeds, too: well-formed for any commit, with a validator that needs no git', async () => {
    const { client, push, get } = await rig.project('feeds');
    await client.commit('Begin', { a: '1', b: '1' });
    const oid = await client.commit('A <b> & "c" ]]> \u0001 \u202e\n\n</content><script>', { a: '2' });
    await client.run(['commit', '-q', '--allow-empty', '--allow-empty-message', '-m', '']);
    await push();
    const answer = await get('feed/main');
    expect(answer.headers.get('content-type')).toBe('application/atom+xml; charset=utf-8');
    const feed = await textOf(answer);
    expect(feed).toMatch(
      /^<\?xml version="1.0" encoding="utf-8"\?>\n<feed xmlns="http:\/\/www.w3.org\/2005\/Atom">/,
    );
    expect(feed).toContain(`/feeds/commit/${oid}</id>`);
    expect(feed.match(/<entry>/g)).toHaveLength(3);
    // RFC 4287: what a feed and an entry must have.
    for (const entry of feed.split('<entry>')) {
      for (const part of ['id', 'title', 'updated'])
        expect(entry).toMatch(new RegExp(`<${part}>[^<]+</${part}>`));
    }
    expect(feed.match(/<author><name>[^<]+<\/name><\/author>/g)).toHaveLength(3);
    expect(feed).not.toMatch(/<script|<b>/);
    expect(feed).not.toContain('\u0001');
    expect((await textOf(await get('feed/main/b'))).match(/<entry>/g)).toHaveLength(1);
    const known = await get('feed/main', { 'If-None-Match': answer.headers.get('etag') ?? '' });
    expect([known.status, await known.text()]).toEqual([304, '']);
    await client.commit('More');
    await push();
    expect((await get('feed/main')).headers.get('etag')).not.toBe(answer.headers.get('etag'));
    await textOf(await get('feed/none'), 404);
  });

  it('and pages use the names of the mailmap, and are made again when it changes', async () => {
    const { client, push, page, get } = await rig.project('names');
    const oid = await client.commit('Begin', { a: '1' });
    await push();
    expect(await page(`commit/${oid}`)).toContain('<bdi>A User</bdi>');
    await client.commit('Map', { '.mailmap': 'Wanted Name <user@example.com>\n' });
    await push();
    for (const path of [`commit/${oid}`, 'commits/main', 'tree/main', `compare/${oid}...main`]) {
      expect(await page(path), path).not.toContain('A User');
    }
    expect(await page(`commit/${oid}`)).toContain('<bdi>Wanted Name</bdi>');
    expect(await textOf(await get('feed/main'))).toContain('<name>Wanted Name</name>');
    // Patches have the names of the commits themselves.
    expect(await page(`commit/${oid}.patch`)).toContain('From: A User');
    expect(await page(`compare/${oid}...main.patch`)).toContain('From: A User');
    expect(await page('commits/main')).toContain('<h1 class="path">Commits of <a');
    expect(await page(`compare/${oid}...main`)).toMatch(/aria-current="true">Branches</);
  });
});

describe('an abbreviated id in a URL', () => {
  it.each(['sha1', 'sha256'] as const)('leads to the page of the whole id (%s)', async (format) => {
    const { client, push, get, id } = await rig.project(`short-${format}`, `--object-format=${format}`);
    await rig.server.announce(id, { objectFormat: format });
    const oid = await client.commit('Begin', { 'src/a': '1\n' });
    const last = await client.commit('Go on', { b: '2\n' });
    const file = await client.oidOf('HEAD:b');
    // A ref means itself, whatever commit has an id that begins like its name.
    await client.run(['branch', last.slice(0, 9)]);
    await push('main', last.slice(0, 9));
    const short = oid.slice(0, 7);
    for (const [from, to] of [
      [`commit/${short}`, `commit/${oid}`],
      [`commit/${oid.slice(0, 20)}?view=split`, `commit/${oid}?view=split`],
      [`commit/${short}.patch`, `commit/${oid}.patch`],
      [`tree/${short}/src`, `tree/${oid}/src`],
      [`file/${short}/src/a?plain=1`, `file/${oid}/src/a?plain=1`],
      [`commits/${short}`, `commits/${oid}`],
      [`raw/${short}/src/a`, `raw/${oid}/src/a`],
      [`archive/${short}.tar.gz`, `archive/${oid}.tar.gz`],
      [`compare/${short}...main`, `compare/${oid}...main`],
      [`compare/${short}..${last.slice(0, 8)}`, `compare/${oid}..${last}`],
    ] as const) {
      const answer = await get(from);
      expect([answer.status, answer.headers.get('cache-control')], from).toEqual([302, 'no-cache']);
      expect(answer.headers.get('location'), from).toMatch(new RegExp(`/short-${format}/${escaped(to)}$`));
      // A download that nobody reads keeps its slot.
      await textOf(await get(to));
    }
    await textOf(await get(`tree/${last.slice(0, 9)}`));
    // The page of one commit has its id in its URL, and people write the name of a branch.
    await client.run(['tag', '-a', '-m', 'One', 'v/1.patch', oid]);
    await push('v/1.patch');
    const tag = await client.oidOf('v/1.patch');
    for (const [from, to] of [
      ['commit/main?w=1', `commit/${last}?w=1`],
      ['commit/HEAD.patch', `commit/${last}.patch`],
      ['commit/refs/heads/main.diff', `commit/${last}.diff`],
      ['commit/v/1.patch', `commit/${tag}`],
      ['commit/v/1.patch.patch', `commit/${tag}.patch`],
      [`commit/${last.slice(0, 9)}`, `commit/${last}`],
      // Some programs print ids in capital letters.
      [`commit/${last.slice(0, 9).toUpperCase()}`, `commit/${last}`],
      [`commit/${last.toUpperCase()}.patch`, `commit/${last}.patch`],
      ['contains/main', `contains/${last}`],
    ] as const) {
      const answer = await get(from);
      expect([answer.status, answer.headers.get('cache-control')], from).toEqual([302, 'no-cache']);
      expect(answer.headers.get('location'), from).toMatch(new RegExp(`/short-${format}/${escaped(to)}$`));
      await textOf(await get(to));
    }
    for (const none of [
      'commit/none',
      'commit/main/b',
      'contains/main.patch',
      `commit/${oid.slice(0, 6)}`,
      'commit/0000000',
      `commit/${file.slice(0, 10)}`,
      `tree/${short}/none/x${short}`,
      `tree/${last.slice(0, 9)}/none`,
      `commit/x${short}`,
    ]) {
      const answer = await get(none);
      const isFollowed = answer.status === 302;
      expect(isFollowed ? (await get(none.replace(short, oid))).status : answer.status, none).toBe(404);
    }
    // git is not asked about a URL with more ids than any page has.
    expect((await get(`compare/${short}..${short}..${short}`)).status).toBe(404);
  });
});

function escaped(text: string): string {
  return text.replace(/[.?]/g, '\\$&');
}
