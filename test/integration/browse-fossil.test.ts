/** Pages of what is in Fossil repositories: of artifacts that were made up, and of a project that the stock program has pushed. */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Hono } from 'hono';
import { beforeEach, describe, expect, it } from 'vitest';
import { FossilViews } from '../../src/browse/fossil/fossil-views.ts';
import { LONGEST_TIMELINE } from '../../src/browse/fossil/timeline.ts';
import { writeStructuralArtifact } from '../../src/fossil/structural-artifact.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { formatNpub } from '../../src/nostr/public-key.ts';
import { ChangeShun } from '../../src/repository/fossil/change-shun.ts';
import type { FossilRepository } from '../../src/repository/fossil/fossil-repository.ts';
import type { ReceivedArtifact } from '../../src/repository/fossil/prepared-artifacts.ts';
import { fossilRoutes } from '../../src/web/fossil/fossil-routes.ts';
import { FossilClient, noFossil } from '../helpers/fossil.ts';
import { PASSWORD } from '../helpers/fossil-host.ts';
import { FOSSIL_ID, FossilRig, whole } from '../helpers/fossil-rig.ts';
import { startFossilServers } from '../helpers/fossil-servers.ts';
import { noise } from '../helpers/noise.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const OWNER = formatNpub(FOSSIL_ID.owner);
const HERE = `/fossil/${OWNER}/${FOSSIL_ID.identifier}`;

/** The pages of one repository. */
function pagesOf(repository: Pick<FossilRepository, 'bagOf' | 'peek' | 'resolve'>) {
  const views = new FossilViews({ slots: 2, queue: 64, timeLimit: 60_000 });
  const app = new Hono().route(
    '/',
    fossilRoutes({
      repositories: { get: () => repository },
      views,
      base: 'https://git.example.org',
      namesOf: () => ({ name: 'the project' }),
      readerOf: async () => undefined,
      clock: systemClock,
    }),
  );
  app.onError((error) => {
    throw error;
  });
  const get = (path: string, headers: Record<string, string> = {}) =>
    Promise.resolve(app.request(path === '' ? HERE : `${HERE}/${path}`, { headers }));
  const text = async (path: string, status = 200) => {
    const response = await get(path);
    const body = await response.text();
    expect(response.status, `${path}: ${body.slice(0, 300)}`).toBe(status);
    return body;
  };
  const json = async <T>(path: string): Promise<T> => {
    const response = await get(path, { Accept: 'application/json' });
    expect(response.status, path).toBe(200);
    return (await response.json()) as T;
  };
  return { get, text, json };
}

interface TimelineJson {
  readonly more: boolean;
  readonly checkIns: readonly { readonly name: string; readonly comment: string; readonly time: number }[];
}

let second = 0;

/** A check-in with files. @param lines more cards that come behind them, in the order of the format */
function checkInOf(
  comment: string,
  files: Readonly<Record<string, ReceivedArtifact>>,
  parents: readonly ReceivedArtifact[] = [],
  { isPrivate = false, baseline, lines = '' }: CheckInOptions = {},
): ReceivedArtifact {
  const cards = [
    ...(baseline === undefined ? [] : [`B ${baseline.name}`]),
    `C ${comment.replaceAll(' ', '\\s')}`,
    `D 2026-01-01T00:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second++ % 60).padStart(2, '0')}`,
    ...Object.entries(files).map(([name, { name: hash }]) => `F ${name.replaceAll(' ', '\\s')} ${hash}`),
    ...(parents.length === 0 ? [] : [`P ${parents.map(({ name }) => name).join(' ')}`]),
  ];
  return whole(writeStructuralArtifact(`${cards.join('\n')}\n${lines}U someone\n`), { isPrivate });
}

interface CheckInOptions {
  readonly isPrivate?: boolean;
  readonly baseline?: ReceivedArtifact;
  readonly lines?: string;
}

async function rigWith(...artifacts: readonly ReceivedArtifact[]) {
  const rig = await new FossilRig().create();
  if (artifacts.length > 0) await rig.push(artifacts);
  return { rig, ...pagesOf(rig.repository) };
}

describe('the overview', () => {
  it('shows the newest check-ins, the files of the newest one, and its README, also as JSON', async () => {
    const [readme, other] = [
      whole('# Welcome\n\nSee [the guide](doc/guide.txt) and [all](doc).\n'),
      whole('two\n'),
    ];
    const files = { 'README.md': readme, 'doc/guide.txt': other };
    const all: ReceivedArtifact[] = [];
    for (let at = 0; at < 7; at++) all.push(checkInOf(`number ${at}`, files, all.slice(-1)));
    const { rig, text, json, get } = await rigWith(readme, other, ...all);
    const [tip] = all.slice(-1);
    const page = await text('');
    const newest = page.slice(page.indexOf('Newest check-ins'));
    expect([...newest.matchAll(/number \d/g)].map(String)).toEqual(
      [6, 5, 4, 3, 2].map((at) => `number ${at}`),
    );
    expect(page).toContain(`href="${HERE}/tree/${tip?.name}/doc"`);
    expect(page).toContain(`href="${HERE}/file/${tip?.name}/README.md"`);
    expect(page).toContain('fossil clone https://git.example.org/fossil/');
    const { manifest } = (await rig.repository.resolve()) ?? {};
    expect(await json('')).toMatchObject({
      kind: 'fossil',
      name: 'the project',
      projectCode: manifest?.projectCode,
      artifacts: manifest?.artifacts,
      checkIns: [6, 5, 4, 3, 2].map((at) => ({ comment: `number ${at}`, user: 'someone' })),
    });
    // Links of the README may lead to folders, and those of programs to files.
    const [folder, file] = [await get(`file/${tip?.name}/doc`), await get(`tree/${tip?.name}/doc/guide.txt`)];
    expect([folder.status, folder.headers.get('location')]).toEqual([302, `${HERE}/tree/${tip?.name}/doc`]);
    expect([file.status, file.headers.get('location')]).toEqual([
      302,
      `${HERE}/file/${tip?.name}/doc/guide.txt`,
    ]);
  });

  it('shows first steps before the first push', async () => {
    const { text, json } = await rigWith();
    const page = await text('');
    expect(page).toContain('Nothing has been pushed to this repository.');
    expect(page).not.toContain('/timeline');
    expect(await json('')).toMatchObject({ artifacts: 0, checkIns: [] });
  });
});

describe('a timeline', () => {
  it('has the newest check-in first, each before its parents, in pages', async () => {
    const all: ReceivedArtifact[] = [];
    for (let at = 0; at < 120; at++) {
      const before = all.at(-1);
      all.push(checkInOf(`number ${at}`, {}, before === undefined ? [] : [before]));
    }
    const { json, text } = await rigWith(...all);
    const found: string[] = [];
    for (let skip = 0; ; skip += 50) {
      const page = await json<TimelineJson>(`timeline?skip=${skip}`);
      found.push(...page.checkIns.map(({ name }) => name));
      if (!page.more) break;
    }
    expect(found).toEqual(all.map(({ name }) => name).reverse());
    expect(await text('timeline')).toContain(`href="${HERE}/timeline?skip=50"`);
    expect(await text('timeline?skip=100')).toContain(`href="${HERE}/timeline?skip=50"`);
    await text(`timeline?skip=${LONGEST_TIMELINE + 1}`, 404);
  });

  it('follows merges, and accepts dates that go backwards', async () => {
    second = 0;
    const root = checkInOf('root', {});
    second = 1_000;
    const left = checkInOf('left', {}, [root]);
    second = 10;
    const right = checkInOf('right', {}, [left]);
    second = 2_000;
    const other = checkInOf('other', {}, [root]);
    const merge = checkInOf('merge', {}, [right, other]);
    const { json } = await rigWith(root, left, right, other, merge);
    const { checkIns } = await json<TimelineJson>('timeline');
    // What is dated before its parent still comes before it.
    expect(checkIns.map(({ comment }) => comment)).toEqual(['merge', 'other', 'right', 'left', 'root']);
  });

  it('is empty before the first check-in, without files', async () => {
    const { text } = await rigWith();
    expect(await text('timeline')).toContain('No check-ins yet');
    await text('tree/tip', 404);
    await text('checkin/tip', 404);
  });
});

describe('wiki, tickets and technotes', () => {
  /** A note of the project. @param lines its cards between the date and the user, each with a line feed */
  function noteOf(
    before: string,
    after = '',
    options: { readonly isPrivate?: boolean } = {},
  ): ReceivedArtifact {
    const date = `2026-02-01T00:00:${String(second++ % 60).padStart(2, '0')}`;
    return whole(writeStructuralArtifact(before.replace('DATE', date).concat(after)), options);
  }
  const wikiOf = (title: string, text: string, type = '', options = {}) =>
    noteOf(
      `D DATE\nL ${title.replaceAll(' ', '\\s')}\n${type === '' ? '' : `N ${type}\n`}`,
      `U ann\nW ${Buffer.byteLength(text)}\n${text}\n`,
      options,
    );
  const ticketOf = (name: string, ...fields: readonly string[]) =>
    noteOf(
      `D DATE\n${[...fields]
        .sort()
        .map((field) => `J ${field}\n`)
        .join('')}K ${name}\n`,
      'U bob\n',
    );

  it('are listed as their last versions say, pages of the wiki are shown, and nothing in them runs', async () => {
    const [one, other] = ['1'.repeat(40), '2'.repeat(40)];
    const { text, json } = await rigWith(
      checkInOf('root', { a: whole('a\n') }),
      wikiOf('Home page', 'Old\n'),
      wikiOf('Home page', '# Hi\n\nA lower line\nZ card <script>alert(1)</script>\n', 'text/x-markdown'),
      wikiOf('Gone', 'text\n'),
      wikiOf('Gone', ''),
      wikiOf('<b>/ü', '<script>alert(2)</script>'),
      wikiOf('Secret', 'secret text', '', { isPrivate: true }),
      ticketOf(one, 'status Open', 'title Crash\\son\\sstart', 'type Bug'),
      ticketOf(one, 'status Fixed', '+title \\s<b>'),
      ticketOf(other, 'title Second'),
      noteOf(`C Released\\s1.0\nD DATE\nE 2026-01-05T00:00:00 ${one}\n`, 'U ann\nW 4\nNews\n'),
    );
    expect(await json('wiki')).toMatchObject({
      count: 2,
      cut: false,
      pages: [{ title: '<b>/ü' }, { title: 'Home page', user: 'ann' }],
    });
    expect(await json('wiki/Home%20page')).toMatchObject({
      type: 'text/x-markdown',
      text: expect.stringMatching(/^# Hi/),
    });
    const list = await text('wiki');
    expect(list).toContain('/wiki/%3Cb%3E/%C3%BC"><bdi>&lt;b&gt;/ü</bdi>');
    expect(list).not.toContain('Secret');
    const page = await text('wiki/%3Cb%3E/%C3%BC');
    expect(page).toContain('&lt;script&gt;alert(2)');
    expect(page).not.toMatch(/<script>|<b>/);
    for (const path of ['wiki/Gone', 'wiki/Secret', 'wiki/none', 'tickets/x']) await text(path, 404);
    expect(await json('tickets')).toMatchObject({
      count: 2,
      tickets: [
        { name: other, title: 'Second', status: '' },
        { name: one, title: 'Crash on start <b>', status: 'Fixed', type: 'Bug', changes: 2 },
      ],
    });
    expect(await text('tickets')).toContain('Crash on start &lt;b&gt;');
    expect(await json('technotes')).toMatchObject({ technotes: [{ comment: 'Released 1.0', user: 'ann' }] });
    expect(await text('technotes?skip=9')).toContain('There are no more.');
  });

  it('tickets show their comments and changes, and what is attached to them can be saved', async () => {
    const [ticket, note] = ['3'.repeat(40), '4'.repeat(40)];
    const evil = '<script>alert(3)</script>';
    const [log, gone, secret] = [
      whole(`log ${evil}\n`),
      whole('gone\n'),
      whole('secret\n', { isPrivate: true }),
    ];
    const attach = (file: string, target: string, source = '') =>
      noteOf(
        `A ${file.replaceAll(' ', '\\s')} ${target}${source === '' ? '' : ` ${source}`}\nD DATE\n`,
        'U eve\n',
      );
    const first = attach('build log.html', ticket, log.name);
    const taken = attach('gone.txt', ticket, gone.name);
    const { text, json, get } = await rigWith(
      log,
      gone,
      secret,
      ticketOf(
        ticket,
        'comment The\\sfirst\\sline\\n<script>alert(3)</script>',
        'private_contact 0123abcd',
        'severity Severe',
        'status Open',
        'title Crash',
      ),
      ticketOf(ticket, 'icomment I\\sagree', 'login carol', 'mimetype text/x-markdown', 'username carol'),
      ticketOf(ticket, 'status Closed'),
      first,
      taken,
      attach('gone.txt', ticket),
      attach('hidden.txt', ticket, secret.name),
      attach('lost.bin', ticket, 'f'.repeat(64)),
      attach('page.txt', 'Home', log.name),
      wikiOf('Home', 'text\n'),
      noteOf(
        `C Released\nD DATE\nE 2026-01-05T00:00:00 ${note}\nN text/plain\n`,
        `U ann\nW 5\n${'News\n'}\n`,
      ),
      attach('news.txt', note, log.name),
    );
    expect(await json(`tickets/${ticket}`)).toMatchObject({
      count: 3,
      tickets: [{ name: ticket, title: 'Crash', status: 'Closed', changes: 3 }],
      history: [
        { user: 'bob', comments: [{ text: `The first line\n${evil}`, type: 'text/x-fossil-wiki' }] },
        { fields: [], comments: [{ text: 'I agree', type: 'text/x-markdown' }] },
        { fields: [{ name: 'status', value: 'Closed' }], comments: [] },
      ],
      attachments: [
        { file: 'build log.html', artifact: first.name, size: log.payload.length, user: 'eve' },
        { file: 'hidden.txt', size: null },
        { file: 'lost.bin', size: null },
      ],
    });
    const page = await text(`tickets/${ticket}`);
    expect(page).toContain('<dt>Severity</dt><dd><bdi>Severe</bdi></dd>');
    expect(page).toContain(`href="${HERE}/attachment/${first.name}?download=1"`);
    expect(page).not.toMatch(/<script>alert|0123abcd|secret/);
    expect(await text(`tickets/${ticket}?skip=2`)).not.toContain('I agree');
    expect(await text(`tickets/${ticket}?skip=3`)).toContain('There are no more changes.');
    expect(await json('wiki/Home')).toMatchObject({ attachments: [{ file: 'page.txt' }] });
    expect(await text('wiki/Home')).toContain('page.txt');
    expect(await json(`technotes/${note}`)).toMatchObject({
      type: 'text/plain',
      text: 'News\n',
      attachments: [{ file: 'news.txt' }],
    });
    expect(await text(`technotes/${note}`)).toContain('News');
    const saved = await get(`attachment/${first.name}?download=1`);
    expect(await saved.text()).toBe(`log ${evil}\n`);
    expect(saved.headers.get('Content-Disposition')).toMatch(
      /^attachment; filename="build-log.html"; filename\*=UTF-8''build%20log.html$/,
    );
    expect(saved.headers.get('Content-Type')).toBe('text/plain; charset=utf-8');
    expect(saved.headers.get('Content-Security-Policy')).toContain('sandbox');
    const hidden = (await json<{ attachments: { artifact: string }[] }>(`tickets/${ticket}`)).attachments;
    for (const { artifact } of hidden.slice(1)) await text(`attachment/${artifact}`, 404);
    for (const path of [
      'attachment',
      `attachment/${log.name}`,
      `attachment/${first.name}/x`,
      `technotes/${ticket}`,
    ])
      await text(path, 404);
  });

  it('the forum shows threads, with answers below posts, edits and deletions', async () => {
    const postOf = (before: string, text: string, user = 'ann') =>
      noteOf(`D DATE\n${before}`, `U ${user}\nW ${Buffer.byteLength(text)}\n${text}\n`);
    second = 0;
    const root = postOf('H How\\sto\\s<b>\nN text/x-markdown\n', '**How**, <script>alert(4)</script>?');
    const answer = postOf(`G ${root.name}\nI ${root.name}\n`, 'So.', 'bob');
    const other = postOf(`G ${root.name}\nI ${root.name}\n`, 'Or so.', 'carol');
    const thanks = postOf(`G ${root.name}\nI ${answer.name}\n`, 'Thanks');
    const edited = postOf(`G ${root.name}\nI ${root.name}\nP ${answer.name}\n`, 'So it is.', 'dave');
    const below = postOf(`G ${root.name}\nI ${edited.name}\n`, 'Below the edit', 'eve');
    const deleted = postOf(`G ${root.name}\nI ${root.name}\nP ${other.name}\n`, '', 'carol');
    const retitled = postOf(`G ${root.name}\nH How\\sto\\sdo\\sit\nP ${root.name}\n`, 'How now?');
    const lone = postOf(`G ${'e'.repeat(64)}\nI ${'e'.repeat(64)}\n`, 'An answer to nothing');
    const log = whole('a log\n');
    const attach = (file: string, post: { readonly name: string }) =>
      noteOf(`A ${file} ${post.name} ${log.name}\nD DATE\n`, 'U eve\n');
    const [attached, toEdit] = [attach('a.log', answer), attach('b.log', edited)];
    const { text, json } = await rigWith(
      ...[root, answer, other, thanks, edited, below, deleted, retitled, lone, log, attached, toEdit],
    );
    expect(await json('forum')).toMatchObject({
      count: 2,
      threads: [
        { name: 'e'.repeat(64), title: '', posts: 1 },
        { name: root.name, title: 'How to do it', user: 'ann', posts: 5 },
      ],
    });
    expect(await json(`forum/${root.name}`)).toMatchObject({
      count: 5,
      posts: [
        { name: root.name, artifact: retitled.name, depth: 0, text: 'How now?', answers: null },
        {
          name: answer.name,
          artifact: edited.name,
          depth: 1,
          user: 'bob',
          edited: { user: 'dave' },
          attachments: [{ file: 'a.log', artifact: attached.name, size: 6 }, { file: 'b.log' }],
        },
        { name: thanks.name, depth: 2, answers: answer.name, edited: null, attachments: [] },
        { name: below.name, depth: 2, answers: answer.name },
        { name: other.name, depth: 1, text: '' },
      ],
    });
    const page = await text(`forum/${root.name}`);
    expect(page).toContain('This post was deleted.');
    expect(page).toContain(`href="${HERE}/attachment/${attached.name}?download=1"`);
    expect(page).toMatch(/edited .* by <bdi>dave<\/bdi>/);
    expect(page).toContain(`answers <a href="#post-${answer.name.slice(0, 16)}"><bdi>bob</bdi></a>`);
    expect(page).not.toContain('<script>alert');
    expect(await text(`forum/${'e'.repeat(64)}`)).toContain('first post of this thread is not here');
    expect(await text('forum')).toContain(`href="${HERE}/forum/${root.name}"`);
    for (const path of ['forum/x', `forum/${answer.name}`, `forum/${root.name}/x`]) await text(path, 404);
  });

  it('are gone from all lists once they are shunned, also those that were shown before', async () => {
    const [bad, good] = [wikiOf('Bad page', 'bad text'), wikiOf('Good page', 'good text')];
    const { rig, json, text } = await rigWith(bad, good);
    const titles = async () =>
      (await json<{ readonly pages: readonly { readonly title: string }[] }>('wiki')).pages.map(
        ({ title }) => title,
      );
    expect(await titles()).toEqual(['Bad page', 'Good page']);
    await rig.repository.publisher.join(
      new ChangeShun(rig.repository, { shun: [bad.name] }, rig.repository.mark()),
    );
    expect(await titles()).toEqual(['Good page']);
    await text('wiki/Bad%20page', 404);
  });
});

describe('hidden artifacts', () => {
  it('are on no page: private and shunned artifacts look like missing ones', async () => {
    const [secretFile, openFile, badFile] = [
      whole('secret text\n'),
      whole('open text\n'),
      whole('bad text\n'),
    ];
    const root = checkInOf('root', { 'a.txt': openFile });
    const hidden = checkInOf('hidden work', { 'a.txt': secretFile }, [root], { isPrivate: true });
    const bad = checkInOf('bad work', { 'a.txt': badFile }, [root]);
    const after = checkInOf('after', { 'a.txt': openFile }, [hidden]);
    const { rig, get, text, json } = await rigWith(
      { ...secretFile, isPrivate: true },
      openFile,
      badFile,
      root,
      hidden,
      bad,
      after,
    );
    await rig.repository.publisher.join(
      new ChangeShun(rig.repository, { shun: [bad.name, badFile.name] }, rig.repository.mark()),
    );
    const { checkIns } = await json<TimelineJson>('timeline');
    expect(checkIns.map(({ comment }) => comment)).toEqual(['after', 'root']);
    const absent = '0'.repeat(64);
    for (const word of ['artifact', 'raw', 'checkin', 'tree', 'file']) {
      const pathOf = (name: string) => (word === 'file' ? `file/${name}/a.txt` : `${word}/${name}`);
      const missing = await text(pathOf(absent), 404);
      for (const { name } of [secretFile, badFile, hidden, bad])
        expect(await text(pathOf(name), 404), pathOf(name)).toBe(missing);
    }
    // A check-in on top of a private one names it, and nothing of what it has.
    const page = await text(`checkin/${after.name}`);
    expect(page).toContain('cannot be told what this check-in changes');
    expect(page).not.toContain('hidden work');
    expect((await get(`raw/${after.name}/a.txt`)).status).toBe(200);
  });
});

describe('check-ins', () => {
  it('show their changes, including delta manifests, renames and deletions', async () => {
    const [one, two, three] = [whole('1\n'), whole('2\n'), whole('3\n')];
    const base = checkInOf('base', { 'a.txt': one, 'src/b c.txt': two, 'src/old.txt': three });
    const next = checkInOf('next', { 'a.txt': two }, [base], { baseline: base });
    const last = whole(
      writeStructuralArtifact(
        [
          'C last',
          'D 2026-01-01T09:00:00',
          `F a.txt ${two.name} x`,
          `F src/new.txt ${three.name} w src/old.txt`,
          `P ${next.name}`,
          'T +bgcolor * #ff0000',
          'T +sym-v1.0 *',
          'U someone\n',
        ].join('\n'),
      ),
    );
    const { json, text } = await rigWith(one, two, three, base, next, last);
    interface CheckInJson {
      readonly files: number;
      readonly changes: readonly { readonly change: string; readonly name: string }[];
    }
    const changesOf = async ({ name }: ReceivedArtifact) =>
      (await json<CheckInJson>(`checkin/${name}`)).changes.map((each) => `${each.change} ${each.name}`);
    expect(await changesOf(base)).toEqual(['added a.txt', 'added src/b c.txt', 'added src/old.txt']);
    expect(await changesOf(next)).toEqual(['changed a.txt']);
    expect(await changesOf(last)).toEqual(['changed a.txt', 'deleted src/b c.txt', 'renamed src/new.txt']);
    expect((await json<CheckInJson>(`checkin/${next.name}`)).files).toBe(3);
    const page = await text(`checkin/${last.name}`);
    expect(page).toContain('v1.0');
    expect(page).toContain('bgcolor');
    expect(await text('timeline')).toContain('tag <b><bdi>v1.0</bdi></b>');
    expect(await text(`tree/${next.name}/src`)).toContain(`href="${HERE}/file/${next.name}/src/b%20c.txt"`);
    expect(await text(`file/${next.name}/src/b%20c.txt`)).toContain('<code>2</code>');
    for (const [path, tab] of [
      [`tree/${next.name}/src`, 'Files'],
      ['timeline', 'Timeline'],
    ] as const) {
      expect(await text(path)).toMatch(new RegExp(`<a [^>]*aria-current="true">${tab}</a>`));
    }
    await text(`tree/${next.name}/none`, 404);
    await text(`file/${next.name}/src/none`, 404);
    await text(`checkin/${one.name}`, 404);
    for (const path of [
      'checkin/abc',
      'checkin',
      'artifact/ABC',
      'file/tip',
      'tree',
      'raw',
      'wiki/x',
      `timeline/x`,
    ]) {
      await text(path, 404);
    }
  });

  it('are shown as text, and nothing in them runs', async () => {
    const script = '<script>alert(1)</script>';
    const svg = whole(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>\n`);
    const html = whole(`${script}\n`);
    const evil = checkInOf(script, { [`${script}.html`]: html, 'x.svg': svg }, [], {
      lines: `T *branch * ${script.replaceAll(' ', '\\s')}\n`,
    });
    const { text, get } = await rigWith(html, svg, evil);
    const file = encodeURIComponent(`${script}.html`);
    for (const path of [
      'timeline',
      `checkin/${evil.name}`,
      `tree/${evil.name}`,
      `file/${evil.name}/x.svg`,
      `artifact/${evil.name}`,
    ]) {
      expect(await text(path), path).not.toContain('<script>alert');
    }
    expect(file).toContain('%2F');
    for (const path of [`raw/${evil.name}/x.svg`, `raw/${html.name}`]) {
      const { headers } = await get(path);
      expect(headers.get('Content-Security-Policy'), path).toContain('sandbox');
      expect(headers.get('X-Content-Type-Options'), path).toBe('nosniff');
      expect(headers.get('Content-Type'), path).not.toContain('html');
    }
  });

  it('are cached: a repeated page is not read again, and a validator is enough', async () => {
    const { get, rig } = await rigWith(checkInOf('only', {}));
    const first = await get('timeline');
    const etag = first.headers.get('ETag') ?? '';
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect((await get('timeline', { 'If-None-Match': etag })).status).toBe(304);
    await rig.push([checkInOf('another', {})]);
    expect((await get('timeline', { 'If-None-Match': etag })).status).toBe(200);
  });
});

describe('artifacts', () => {
  it('are shown as text within limits, and sent unchanged', async () => {
    const binary = whole(Buffer.from([0, 1, 2, 255]));
    const large = whole(Buffer.alloc(1024 * 1024 + 1, 'line\n'));
    const huge = whole(Buffer.alloc(32 * 1024 * 1024 + 1));
    const ticket = whole(
      writeStructuralArtifact('D 2026-01-01T00:00:00\nJ title Broken\nK abc\nU someone\n'),
    );
    const latin1 = whole(Buffer.from('caf\xe9\n', 'latin1'));
    const { text, get, json } = await rigWith(binary, large, huge, ticket, latin1);
    expect(await text(`artifact/${binary.name}`)).toContain('binary');
    expect(await text(`artifact/${large.name}`)).toContain('too large');
    expect(await text(`artifact/${ticket.name}`)).toContain('a ticket change');
    expect(await text(`artifact/${latin1.name}`)).toContain('café');
    const raw = await get(`raw/${binary.name}`);
    expect(Buffer.from(await raw.arrayBuffer())).toEqual(Buffer.from(binary.payload));
    expect(raw.headers.get('ETag')).toBe(`"${binary.name}"`);
    expect((await get(`raw/${binary.name}`, { 'If-None-Match': `"${binary.name}"` })).status).toBe(304);
    const part = await get(`raw/${binary.name}`, { Range: 'bytes=1-2' });
    expect([part.status, part.headers.get('Content-Range')]).toEqual([206, 'bytes 1-2/4']);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(Buffer.from([1, 2]));
    expect((await get(`raw/${huge.name}`)).status).toBe(413);
    expect(await json(`artifact/${binary.name}`)).toMatchObject({ kind: 'file', size: 4, lines: null });
  });

  it('are sent from files if they are large, and nothing stays open', async () => {
    const large = whole(noise(6_000_000));
    const { rig, get } = await rigWith(large);
    const { fossilScratch: scratch } = rig.opened;
    const room = scratch.free;
    const all = await get(`raw/${large.name}`);
    expect(all.headers.get('Content-Length')).toBe('6000000');
    expect(scratch.free).toBeLessThan(room);
    expect(Buffer.from(await all.arrayBuffer()).equals(large.payload)).toBe(true);
    const part = await get(`raw/${large.name}`, { Range: 'bytes=100000-300000' });
    expect([part.status, part.headers.get('Content-Range')]).toEqual([206, 'bytes 100000-300000/6000000']);
    expect(Buffer.from(await part.arrayBuffer()).equals(large.payload.subarray(100_000, 300_001))).toBe(true);
    expect((await get(`raw/${large.name}`, { 'If-None-Match': `"${large.name}"` })).status).toBe(304);
    expect((await get(`raw/${large.name}`, { Range: 'bytes=6000000-' })).status).toBe(416);
    const left = (await get(`raw/${large.name}`)).body?.getReader();
    await left?.read();
    await left?.cancel();
    await expect.poll(() => scratch.free).toBe(room);
  });
});

describe('a project of the stock program', () => {
  beforeEach((test) => test.skip(noFossil !== undefined, noFossil));

  it('has the timeline, files and contents of the stock program', async () => {
    await using folder = await tempDir('cairn-browse-fossil');
    const client = new FossilClient(folder.path);
    await mkdir(folder.path, { recursive: true });
    const repository = await client.init('project');
    // Each at a second of its own: dates decide the order.
    const at = (seconds: number) => ['--date-override', `2030-01-01 00:00:0${seconds}`];
    const begun = { 'README.md': '# Hello\n', 'src/main.c': 'int main;\n'.repeat(400) };
    const first = await client.commit('project', 'Begin: a "quoted" \\ text', begun, ...at(1));
    await symlink('README.md', join(folder.path, 'project', 'link'));
    const german = { 'src/ü ö.txt': 'Grüße\n' };
    const onBranch = await client.commit('project', 'Zweig für später', german, '--branch', 'side', ...at(2));
    await client.run(['update', first], { cwd: 'project' });
    await client.commit('project', 'Go on', { 'src/main.c': 'int main(void);\n' }, '--tag', 'v1', ...at(3));
    await client.run(['wiki', 'create', 'Home', 'project/README.md', '-M', 'markdown', '-R', repository]);
    await client.run(['ticket', 'add', 'title', 'It fails', 'status', 'Open', '-R', repository]);
    const sql = async (query: string) =>
      (await client.sql(repository, query)).map((row) => row.replaceAll("'", ''));
    const [ticket = ''] = await sql('SELECT tkt_uuid FROM ticket');
    await client.run([
      'ticket',
      'set',
      ticket,
      'icomment',
      'It works here',
      'status',
      'Closed',
      '-R',
      repository,
    ]);
    await client.run(['attachment', 'add', 'Home', 'src/main.c'], { cwd: 'project' });
    const date = '2030-01-02T00:00:00';
    await client.run(['wiki', 'create', 'News', 'README.md', '--technote', date], { cwd: 'project' });
    // Posts are made by its web pages alone.
    const post = async (page: string, fields: Readonly<Record<string, string>>) => {
      const body = new URLSearchParams({ ...fields, submit: 'Submit', csrf: 'localhost' }).toString();
      const head = `POST /${page} HTTP/1.0\r\nHost: localhost\r\nReferer: http://localhost/${page}\r\nContent-Type: application/x-www-form-urlencoded\r\n`;
      const input = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
      const said = await client.try(['http', repository, '--localauth', '--ipaddr', '127.0.0.1'], { input });
      expect(said.stdout).toContain('302 Moved');
      const [name = ''] = await sql('SELECT uuid FROM blob ORDER BY rid DESC LIMIT 1');
      return name;
    };
    const asked = await post('forume1', {
      title: 'A question',
      mimetype: 'text/plain',
      content: 'Does it work?',
    });
    const said = await post('forume2', {
      fpid: asked,
      reply: '1',
      mimetype: 'text/x-markdown',
      content: 'It does.',
    });
    await post('forume2', { fpid: said, edit: '1', mimetype: 'text/x-markdown', content: 'It **does**.' });
    const projectCode = await client.projectCode(repository);
    await using servers = await startFossilServers({ projectCode });
    const url = servers.url.replace('://', `://alice:${PASSWORD}@`);
    const pushed = await client.try(['push', url, '-R', repository, '--once']);
    expect(pushed.all).not.toMatch(/error|failed/i);
    const { json, text, get } = pagesOf(servers.repository);
    const { checkIns } = await json<TimelineJson>('timeline');
    const rows = await client.sql(
      repository,
      "SELECT uuid, coalesce(ecomment, comment) FROM event JOIN blob ON objid=rid WHERE type='ci' ORDER BY mtime DESC",
    );
    const shown = checkIns.map(({ name, comment }) => `${name} ${comment}`);
    const expected = rows.map((row) => /^'([0-9a-f]+)','(.*)'$/.exec(row)?.slice(1).join(' '));
    expect(shown.toSorted()).toEqual(expected.toSorted());
    expect(checkIns[0]?.comment).toBe('Go on');
    expect(await text('timeline')).toContain('begins <b><bdi>side</bdi></b>');
    expect(await text('timeline')).toContain('tag <b><bdi>v1</bdi></b>');
    const tip = checkIns[0]?.name ?? '';
    expect(await text(`checkin/${tip}`)).toContain('changed');
    expect(await text('tree/tip/src')).toContain('main.c');
    expect(await text(`file/${onBranch}/src/${encodeURIComponent('ü ö.txt')}`)).toContain('Grüße');
    expect(await json('wiki/Home')).toMatchObject({ type: 'text/x-markdown', text: '# Hello\n' });
    expect(await json('tickets')).toMatchObject({ tickets: [{ title: 'It fails', status: 'Closed' }] });
    const { history } = await json<{ history: { comments: { text: string }[] }[] }>(`tickets/${ticket}`);
    expect(history.flatMap(({ comments }) => comments)).toMatchObject([{ text: 'It works here' }]);
    const { attachments } = await json<{ attachments: { artifact: string }[] }>('wiki/Home');
    expect(attachments).toMatchObject([{ file: 'main.c', user: 'alice', size: 16 }]);
    expect(await text(`attachment/${attachments[0]?.artifact}`)).toBe('int main(void);\n');
    const { technotes } = await json<{ technotes: { name: string }[] }>('technotes');
    expect(await json(`technotes/${technotes[0]?.name}`)).toMatchObject({ text: '# Hello\n' });
    expect(await json(`forum/${asked}`)).toMatchObject({
      threads: [{ title: 'A question', posts: 2 }],
      posts: [
        { name: asked, depth: 0, text: 'Does it work?', edited: null },
        { name: said, depth: 1, text: 'It **does**.', answers: asked, edited: { user: 'alice' } },
      ],
    });
    const raw = await get(`raw/${first}/src/main.c`);
    expect(await raw.text()).toBe('int main;\n'.repeat(400));
    expect(raw.headers.get('Content-Type')).toBe('text/plain; charset=utf-8');
  });
});
