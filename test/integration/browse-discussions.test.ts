/** Pages of issues, patches, pull requests, receipts and people, from events that arrived over the relay's socket. */
import { verifyEvent } from 'nostr-tools/pure';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { kinds } from '../../src/nostr/kinds.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { GitClient } from '../helpers/git-client.ts';
import { announcement, gitUrl, graspUrl, signedIn } from '../helpers/identity.ts';
import { NostrClient, Person } from '../helpers/nostr-client.ts';
import { startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const [owner, maintainer, author, stranger] = [new Person(), new Person(), new Person(), new Person()];
const NAME = 'project';
const START = Math.floor(Date.now() / 1000) - 10_000;
/** Something that runs if it gets into a page as it is. */
const HOSTILE = '"><img src=x onerror=alert(1)><script>alert(1)</script>\u202e';

let server: App;
let folder: TempDir;
let relay: NostrClient;
let git: GitClient;
let tip: string;
let seconds = START;

beforeAll(async () => {
  folder = await tempDir('cairn-discussions');
  server = await startServer({ flags: { access: 'signed' } });
  relay = await NostrClient.connect(server.url);
  const description = ['description', `About ${HOSTILE}`];
  await take(
    announcement(server.url, owner, NAME, { maintainers: [maintainer], tags: [description], at: START }),
  );
  git = await new GitClient(folder.path).init('work', '--initial-branch=main');
  await git.commit('Begin', { 'README.md': '# Project\n' });
  await push('main');
  tip = await git.commit('Go on', { 'a.txt': 'one\n' });
  await push('main');
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await server.close();
  await folder[Symbol.asyncDispose]();
});

const address = () => `${kinds.repository}:${owner.publicKey}:${NAME}`;
const path = (page: string) => `/${owner.npub}/${NAME}/${page}`;

function push(...refs: string[]) {
  const url = gitUrl(server.url, owner, NAME);
  return signedIn(git, owner, url).run(['push', '--quiet', url, ...refs]);
}

async function take(event: NostrEvent): Promise<NostrEvent> {
  expect(await relay.publish(event)).toMatchObject({ accepted: true });
  return event;
}

/** Signs an event about the project, later than all before, and sends it. */
function send(person: Person, kind: number, tags: string[][], content = '') {
  return take(person.sign(kind, [['a', address()], ...tags], content, ++seconds));
}

/** An event about another one, which names no repository. */
function answer(person: Person, kind: number, root: NostrEvent, tags: string[][] = [], content = '') {
  return take(person.sign(kind, [['e', root.id, '', 'root'], ...tags], content, ++seconds));
}

function comment(person: Person, root: NostrEvent, parent: NostrEvent, content: string) {
  const tags = [
    ['E', root.id],
    ['K', String(root.kind)],
    ['e', parent.id],
  ];
  return take(person.sign(kinds.comment, tags, content, ++seconds));
}

async function get(where: string, headers: Record<string, string> = {}, status = 200) {
  const response = await fetch(`${server.url}${where}`, { headers, redirect: 'manual' });
  const body = await response.text();
  expect(response.status, `${where}: ${body.slice(0, 300)}`).toBe(status);
  return { body, headers: response.headers };
}

const html = async (page: string) => (await get(path(page))).body;
// biome-ignore lint/suspicious/noExplicitAny: what a program reads is checked member by member
const json = async (page: string): Promise<any> =>
  JSON.parse((await get(path(page), { Accept: 'application/json' })).body);

describe('issues', () => {
  it('are listed with status, labels and comments, and shown with their threads', async () => {
    const first = await send(
      author,
      kinds.issue,
      [
        ['subject', 'First'],
        ['t', 'bug'],
      ],
      'A **bold** word\n\n```js\nlet a;\n```',
    );
    const second = await send(author, kinds.issue, [['subject', 'Second']], 'text');
    const one = await comment(stranger, first, first, 'I see *that* too');
    await comment(author, first, one, 'Thanks');
    await answer(maintainer, kinds.statusApplied, second, [['merge-commit', tip]]);
    await answer(stranger, kinds.statusClosed, first);
    await answer(maintainer, kinds.label, first, [['l', 'urgent', '#t']]);
    await answer(maintainer, kinds.coverNote, first, [], 'Wait for it');
    const list = await html('issues');
    expect(list).toContain('First');
    expect(list).not.toContain('Second');
    expect(list).toContain('2 comments');
    expect(list).toContain('urgent');
    expect(await html('issues?status=applied')).toContain('Second');
    expect(await json('issues?status=all')).toMatchObject({
      counts: { open: 1, applied: 1, closed: 0, draft: 0 },
      threads: [
        { subject: 'Second', status: 'applied' },
        { subject: 'First', status: 'open', comments: 2, labels: ['bug', 'urgent'] },
      ],
    });
    // A client of before NIP-22 replies like this.
    await answer(stranger, kinds.oldReply, first, [['e', one.id, '', 'reply']], 'Said in the old way');
    const page = await html(`issue/${first.id}`);
    expect(page).toMatch(/class="comment depth-1"[\s\S]*Said in the old way/);
    expect(page).toContain('<strong>bold</strong>');
    expect(page).toContain('Wait for it');
    expect(page).toMatch(/class="comment depth-1"[\s\S]*Thanks/);
    expect(page).toContain('href="nostr:nevent1');
    expect(await html(`issue/${second.id}`)).toContain(`/commit/${tip}`);
    expect(await json(`issue/${first.id}`)).toMatchObject({
      status: 'open',
      statuses: [],
      author: { npub: author.npub, role: null },
      coverNote: { content: 'Wait for it', author: { role: 'maintainer' } },
      comments: [
        { content: 'I see *that* too', parent: first.id },
        { content: 'Thanks', parent: one.id },
        { content: 'Said in the old way', parent: one.id },
      ],
    });
  });

  it('are listed in pages of fifty, as are their comments', async () => {
    const root = await send(author, kinds.issue, [['subject', 'Talkative']], '');
    for (let at = 0; at < 55; at++) await comment(author, root, root, `comment ${at}`);
    const page = await html(`issue/${root.id}`);
    expect([page.includes('comment 49'), page.includes('comment 50')]).toEqual([true, false]);
    expect(page).toContain(`?skip=50`);
    expect(await html(`issue/${root.id}?skip=50`)).toContain('comment 54');
    for (let at = 0; at < 50; at++) await send(author, kinds.issue, [['subject', `Many ${at}`]], '');
    expect(await html('issues')).toContain('?status=open&amp;skip=50');
    expect(await html('issues?status=open&skip=50')).toContain('Talkative');
  });

  it('disappear when they are deleted, as do deleted comments', async () => {
    const root = await send(author, kinds.issue, [['subject', 'Short-lived']], 'gone soon');
    const said = await comment(stranger, root, root, 'said in haste');
    expect(await html(`issue/${root.id}`)).toContain('said in haste');
    await take(stranger.sign(kinds.deletion, [['e', said.id]], '', ++seconds));
    expect(await html(`issue/${root.id}`)).not.toContain('said in haste');
    await take(author.sign(kinds.deletion, [['e', root.id]], '', ++seconds));
    await get(path(`issue/${root.id}`), {}, 404);
    await get(path(`event/${root.id}.json`), {}, 404);
    expect(await html('issues?status=all')).not.toContain('Short-lived');
  });

  it('have validators, and can be downloaded as signed events', async () => {
    const root = await send(author, kinds.issue, [['subject', 'Kept']], '');
    const { headers } = await get(path(`issue/${root.id}`));
    const etag = headers.get('etag') ?? '';
    // The client takes compressed pages.
    expect(headers.get('content-encoding')).toBe('gzip');
    expect(headers.get('vary')).toBe('Accept, Accept-Encoding');
    expect(etag).toMatch(/^"[0-9a-f]{32}-gzip"$/);
    await get(path(`issue/${root.id}`), { 'If-None-Match': etag }, 304);
    await comment(author, root, root, 'news');
    await get(path(`issue/${root.id}`), { 'If-None-Match': etag }, 200);
    const event = await json(`event/${root.id}.json`);
    expect(event).toEqual(root);
    expect(verifyEvent(event)).toBe(true);
    for (const page of [
      'issue/0',
      `issue/${'0'.repeat(64)}`,
      `pull/${root.id}`,
      `event/${root.id}`,
      'issues/x',
      `event/${root.id}.patch`,
    ])
      await get(path(page), {}, 404);
  });
});

describe('patches', () => {
  it('are shown with their changes, series and revisions, and can be downloaded to apply', async () => {
    await git.run(['checkout', '-q', '-b', 'patches']);
    await git.commit('Add b\n\nBecause it was <missing>.', { 'b.ts': 'const two = 2;\n' });
    await git.commit('Add c', { 'c.txt': 'three\n' });
    const mails = await Promise.all(
      ['HEAD~1', 'HEAD'].map((at) => git.run(['format-patch', '-1', '--stdout', at])),
    );
    await git.run(['checkout', '-q', 'main']);
    const root = await send(author, kinds.patch, [['t', 'root']], mails[0]);
    const next = await send(
      author,
      kinds.patch,
      [
        ['e', root.id, '', 'root'],
        ['e', root.id, '', 'reply'],
      ],
      mails[1],
    );
    const again = await send(
      author,
      kinds.patch,
      [
        ['t', 'root'],
        ['t', 'root-revision'],
        ['e', root.id, '', 'reply'],
      ],
      mails[1],
    );
    expect(await json('patches')).toMatchObject({ threads: [{ id: root.id, subject: 'Add b' }] });
    const revised = await json(`patch/${root.id}`);
    expect(revised.series.map((series: { id: string }[]) => series.map(({ id }) => id))).toEqual([
      [root.id, next.id],
      [again.id],
    ]);
    expect(revised.shown).toMatchObject({ id: again.id, subject: 'Add c', differences: { count: 1 } });
    const page = await html(`patch/${root.id}?series=1`);
    expect(page).toContain('Because it was &lt;missing&gt;.');
    expect(page).toContain('b.ts');
    expect(page).toContain('<code>+<span class="hljs-keyword">const</span> two');
    expect(page).toContain('git am');
    const moved = await get(path(`patch/${next.id}`), {}, 302);
    expect(moved.headers.get('location')).toBe(path(`patch/${root.id}?patch=${next.id}`));
    const mail = await get(path(`event/${root.id}.patch`));
    expect(mail.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(mail.body).toBe(mails[0]);
  });
});

describe('pull requests', () => {
  it('are compared with the default branch in each version, and show the results of their checks', async () => {
    await git.run(['checkout', '-q', '-b', 'topic', 'main']);
    const first = await git.commit('Add d', { 'd.txt': 'four\n' });
    const second = await git.commit('Add e', { 'e.ts': 'const five = 5;\n' });
    await git.run(['checkout', '-q', 'main']);
    const event = author.sign(
      kinds.pullRequest,
      [
        ['a', address()],
        ['c', first],
        ['subject', 'Take d'],
        ['clone', graspUrl(server.url, owner, NAME)],
        ['branch-name', 'topic'],
      ],
      'Please *take* it',
      ++seconds,
    );
    const update = author.sign(
      kinds.pullRequestUpdate,
      [
        ['a', address()],
        ['E', event.id],
        ['c', second],
        ['clone', graspUrl(server.url, owner, NAME)],
      ],
      '',
      ++seconds,
    );
    // As clients do: first the tips, which need no right, then the events.
    const url = graspUrl(server.url, owner, NAME);
    await git.run([
      'push',
      '--quiet',
      url,
      `${first}:refs/nostr/${event.id}`,
      `${second}:refs/nostr/${update.id}`,
    ]);
    await take(event);
    await take(update);
    const run = [
      ['c', second],
      ['w', '.github/ci.yml', '0'.repeat(64)],
      ['o', 'pull_request'],
      ['E', event.id],
    ];
    await send(maintainer, kinds.ciWorkflowResult, [...run, ['conclusion', 'success']]);
    await send(stranger, kinds.ciWorkflowResult, [...run, ['conclusion', 'failure']]);
    const page = await html(`pull/${event.id}`);
    expect(page).toMatch(/<dt>Tip<\/dt><dd><a href="[^"]+\/commit\/[0-9a-f]{40}"><code>[0-9a-f]{40}/);
    expect(page).toContain('<em>take</em>');
    expect(page).toContain(`refs/nostr/${update.id}`);
    expect(page).toContain('e.ts');
    expect(page).toContain('<code>+<span class="hljs-keyword">const</span> five');
    expect(page).toMatch(/passed[\s\S]*by others, whom no maintainer has asked/);
    const content = await json(`pull/${event.id}`);
    expect(content).toMatchObject({
      shown: update.id,
      versions: [{ tip: second }, { tip: first, branch: 'topic' }],
      changes: { base: tip, merged: false, differences: { count: 2 } },
      checks: [
        { conclusion: 'success', asked: true },
        { conclusion: 'failure', asked: false },
      ],
    });
    expect(content.changes.commits).toHaveLength(2);
    expect(await json(`pull/${event.id}?version=${event.id}`)).toMatchObject({
      changes: { differences: { count: 1 } },
    });
    expect(await json(`checks/${second}`)).toMatchObject({ checks: [{ asked: true }, { asked: false }] });
    expect(await html(`checks/${tip}`)).toContain('No result for this commit');
    expect(await json('pulls')).toMatchObject({ threads: [{ subject: 'Take d' }] });
  });
});

describe('receipts', () => {
  it('show who moved a ref, with events that anybody can verify', async () => {
    const all = await json('receipts');
    const step = all.steps.find(({ changes }: { changes: { after: string }[] }) => changes[0]?.after === tip);
    expect(step).toMatchObject({
      causes: [{ kind: 'push', actor: { npub: owner.npub, role: 'owner' } }],
      changes: [{ ref: 'refs/heads/main', after: tip }],
    });
    const receipt = JSON.parse((await get(step.receipt)).body);
    expect(verifyEvent(receipt)).toBe(true);
    expect(receipt.tags).toContainEqual(['refs/heads/main', tip]);
    expect((await json('receipts/main')).steps).toHaveLength(2);
    expect(await html('receipts/main')).toContain(tip.slice(0, 10));
    expect((await json('receipts/none')).steps).toEqual([]);
    const announced = all.steps.at(-1);
    expect(announced.causes[0].kind).toBe('announce');
    const evidence = await json(`receipt/${announced.publish}/${announced.causes[0].evidence}.json`);
    expect(evidence).toMatchObject({ kind: kinds.repository, pubkey: owner.publicKey });
    for (const page of [
      `receipt/${'0'.repeat(64)}.json`,
      `receipt/${step.publish}/${'0'.repeat(64)}.json`,
      `receipts?begin=${'0'.repeat(64)}`,
    ])
      await get(path(page), {}, 404);
    const refusal = await get(path('issues?status=opened'), { Accept: 'application/json' }, 400);
    expect(JSON.parse(refusal.body).error.message).toBe(
      'status is one of: open, applied, closed, draft, all',
    );
    for (const page of ['receipts?begin=x', 'issues?status=opened', 'pulls?skip=-1', 'patches?skip=1e3'])
      await get(path(page), {}, 400);
  });
});

it('a pull request without its tip says so, and names where its author says that it is', async () => {
  // Elsewhere such a pull request waits for its tip, unseen. Where nobody can push one, it does not wait.
  await using closed = await startServer({ flags: { access: 'signed', 'anonymous-pushes': 'off' } });
  await using client = await NostrClient.connect(closed.url);
  await client.publish(announcement(closed.url, owner, NAME, { at: START }));
  const gone = 'f'.repeat(40);
  const clone = ['clone', 'https://git.example.org/x.git', 'ext::sh -c id'];
  const event = author.sign(kinds.pullRequest, [['a', address()], ['c', gone], clone], '', ++seconds);
  expect(await client.publish(event)).toMatchObject({ accepted: true });
  const page = await (await fetch(`${closed.url}${path(`pull/${event.id}`)}`)).text();
  expect(page).toContain('This commit is not in this repository');
  expect(page).toContain(`git fetch https://git.example.org/x.git ${gone}`);
  expect(page).not.toContain('ext::');
});

it('receipts of a public repository show nothing from the time when it was private', async () => {
  const name = 'once-private';
  const options = { tags: [['private', 'true']], at: START };
  await using client = await NostrClient.connect(server.url);
  await client.authenticate(owner, server.url.replace(/^http/, 'ws'));
  expect(await client.publish(announcement(server.url, owner, name, options))).toMatchObject({
    accepted: true,
  });
  const url = gitUrl(server.url, owner, name);
  const pushed = (...refs: string[]) => signedIn(git, owner, url).run(['push', '--quiet', url, ...refs]);
  await pushed('main', 'main:refs/heads/secret-plan');
  await pushed(':refs/heads/secret-plan');
  expect(await client.publish(announcement(server.url, owner, name, { at: START + 1 }))).toMatchObject({
    accepted: true,
  });
  const { body } = await get(`/${owner.npub}/${name}/receipts`, { Accept: 'application/json' });
  const { steps, cut } = JSON.parse(body);
  expect(steps).toMatchObject([{ causes: [{ kind: 'announce' }], changes: [{ ref: 'refs/heads/main' }] }]);
  expect([cut, body.includes('secret-plan')]).toEqual([true, false]);
  const { digest, manifest } =
    (await server.repositories.get(repositoryId(owner.publicKey, name)).resolve()) ?? {};
  expect(steps[0].publish).toBe(digest);
  await get(`/${owner.npub}/${name}/receipt/${manifest?.parent}.json`, {}, 404);
  await get(`/${owner.npub}/${name}/receipts?begin=${manifest?.parent}`, {}, 404);
});

describe('people', () => {
  it('have comments and statuses on their pages with the thread that they belong to', async () => {
    const visitor = new Person();
    const root = await send(author, kinds.issue, [['subject', 'Where is it?']], '');
    await comment(visitor, root, root, 'Here.');
    await answer(visitor, kinds.statusClosed, root);
    const thread = { kind: 'issue', id: root.id };
    const repository = { owner: owner.publicKey, identifier: NAME };
    const { activity } = JSON.parse((await get(`/${visitor.npub}`, { Accept: 'application/json' })).body) as {
      activity: unknown[];
    };
    expect(activity).toMatchObject([
      { did: 'marked as closed', thread, repository, subject: 'Where is it?' },
      { did: 'wrote a comment', thread, repository, subject: 'Where is it?' },
    ]);
    const { body } = await get(`/${visitor.npub}`);
    expect(body).toContain(
      `<a href="${path(`issue/${root.id}`)}">wrote a comment</a>: <bdi>Where is it?</bdi>`,
    );
  });

  it('have their chosen names, always with their keys, and an imitated name is marked', async () => {
    await take(
      owner.sign(
        kinds.profile,
        [],
        JSON.stringify({ name: 'Olga', about: 'Likes git', picture: 'https://x.example/p.png' }),
      ),
    );
    await take(author.sign(kinds.profile, [], JSON.stringify({ display_name: 'ОLGA' })));
    const root = await send(author, kinds.issue, [['subject', 'Names']], '');
    const page = await html(`issue/${root.id}`);
    expect(page).toContain('not the owner of that name: another key');
    expect(page).toContain(`title="${author.npub}"`);
    const own = (await get(`/${owner.npub}`)).body;
    expect(own).toContain('Olga');
    expect(own).toContain(owner.npub);
    expect(own).toContain(path('').replace(/\/$/, ''));
    expect(own).not.toContain('x.example');
    expect(own).toMatch(/announced the repository <a href="[^"]+"><bdi>[^<]+<\/bdi><\/a><\/li>/);
    expect((await get('/')).body).toContain('<b><bdi>Olga</bdi></b> ');
    const { body: overview } = await get(`/${owner.npub}/${NAME}`);
    expect(overview).toContain('<dt>Owner</dt>');
    expect(overview).toContain('<span class="name"><bdi>Olga</bdi></span>');
    const bar = /<a class="owner"[^>]*><bdi>Olga<\/bdi> <code class="quiet">npub1/;
    expect(overview).toMatch(bar);
    expect(page).toMatch(bar);
    const { body } = await get(`/${author.npub}`, { Accept: 'application/json' });
    const { person, activity } = JSON.parse(body);
    expect(person).toMatchObject({ npub: author.npub, name: 'ОLGA' });
    expect(activity[0]).toMatchObject({ did: 'wrote an issue', subject: 'Names' });
    expect(activity.length).toBeLessThanOrEqual(30);
    const { npub } = new Person();
    expect((await get(`/${npub}`, {}, 404)).body).toContain(`<code>${npub}</code>`);
  });
});

/** Tags of a page that run something, or load something from elsewhere. Text is escaped, so it has no tags. */
function harmsIn(body: string): string[] {
  return [...body.matchAll(/<[a-z][^<>]*>/gi)].flatMap(([tag]) => {
    const runs =
      /^<(?:style|iframe|object|embed|base|form)|\s(?:on\w+|style)\s*=|=\s*["']?\s*javascript:/i.test(tag);
    const foreign =
      /^<(?:img|script|link|video|audio)/i.test(tag) && !/(?:src|href)="(?:\/(?!\/)|data:)/i.test(tag);
    return runs || foreign ? tag : [];
  });
}

describe('texts of strangers', () => {
  it('run nothing: names, subjects, texts, labels, patches, branches', async () => {
    await take(
      stranger.sign(
        kinds.profile,
        [],
        JSON.stringify({ name: HOSTILE, about: HOSTILE, website: `https://x.example/${HOSTILE}` }),
        ++seconds,
      ),
    );
    const issue = await send(
      stranger,
      kinds.issue,
      [
        ['subject', HOSTILE],
        ['t', HOSTILE],
      ],
      `${HOSTILE}\n\n[x](javascript:alert(1)) ![y](https://x.example/y.png) <style>*{}</style>`,
    );
    await comment(
      stranger,
      issue,
      issue,
      `${HOSTILE} <a href="javascript:alert(1)" onclick="alert(1)">z</a>`,
    );
    const patch = await send(
      stranger,
      kinds.patch,
      [['t', 'root']],
      `From: ${HOSTILE}\nSubject: [PATCH] ${HOSTILE}\n\n${HOSTILE}\n---\ndiff --git a/${HOSTILE} b/${HOSTILE}\n--- a/${HOSTILE}\n+++ b/${HOSTILE}\n@@ -1 +1 @@ ${HOSTILE}\n-${HOSTILE}\n+${HOSTILE}\n`,
    );
    const pull = await take(
      stranger.sign(
        kinds.pullRequest,
        [
          ['a', address()],
          ['subject', HOSTILE],
          ['c', tip],
          ['branch-name', HOSTILE],
          ['clone', `https://x.example/${HOSTILE}`],
        ],
        HOSTILE,
        ++seconds,
      ),
    );
    const run = [
      ['c', tip],
      ['w', HOSTILE, '0'.repeat(64)],
      ['o', 'push'],
      ['conclusion', 'success'],
    ];
    await send(stranger, kinds.ciWorkflowResult, run);
    const pages = [
      'issues',
      'patches',
      'pulls',
      `issue/${issue.id}`,
      `patch/${patch.id}`,
      `pull/${pull.id}`,
      `checks/${tip}`,
      'receipts',
    ];
    for (const where of ['issues', 'patches', 'pulls'])
      expect((await html(where)).includes('\u202e')).toBe(false);
    for (const where of [...pages.map(path), `/${stranger.npub}`]) {
      const { body, headers } = await get(where);
      expect(harmsIn(body), where).toEqual([]);
      expect(headers.get('content-security-policy')).not.toContain('unsafe-inline');
      const { body: data } = await get(where, { Accept: 'application/json' });
      expect(() => JSON.parse(data)).not.toThrow();
    }
  });
});

describe('a private repository', () => {
  it('shows strangers none of these pages, and its owner looks unknown', async () => {
    const secretive = new Person();
    const event = announcement(server.url, secretive, 'secret', { tags: [['private', 'true']] });
    await using client = await NostrClient.connect(server.url);
    await client.authenticate(secretive, server.url.replace(/^http/, 'ws'));
    expect(await client.publish(event)).toMatchObject({ accepted: true });
    const about = [
      ['a', `${kinds.repository}:${secretive.publicKey}:secret`],
      ['subject', 'Hidden'],
    ];
    const issue = secretive.sign(kinds.issue, about);
    expect(await client.publish(issue)).toMatchObject({ accepted: true });
    expect(await client.publish(secretive.sign(kinds.profile, [], '{"name":"Secretive"}'))).toMatchObject({
      accepted: true,
    });
    const missing = (await get(`/${new Person().npub}/none/issues`, {}, 404)).body;
    for (const page of ['issues', 'receipts', `issue/${issue.id}`, `event/${issue.id}.json`])
      expect((await get(`/${secretive.npub}/secret/${page}`, {}, 404)).body).toBe(missing);
    // What follows from the key alone is left out.
    const unnamed = ({ body }: { readonly body: string }) =>
      body.replaceAll(/npub1\w+(?:…\w+)?|<svg class="identicon".*?<\/svg>/g, '');
    const unknown = unnamed(await get(`/${new Person().npub}`, {}, 404));
    expect(unnamed(await get(`/${secretive.npub}`, {}, 404))).toBe(unknown);
    await get(path(`issue/${issue.id}`), {}, 404);
    await get(path(`event/${issue.id}.json`), {}, 404);
    // Who may read it, and signs the request, gets the pages, and no cache keeps them.
    const signed = async (person: Person, where: string, status: number) => {
      const tags = [
        ['u', `${server.url}${where}`],
        ['method', 'GET'],
      ];
      const token = Buffer.from(JSON.stringify(person.sign(27_235, tags))).toString('base64');
      return get(where, { Authorization: `Nostr ${token}` }, status);
    };
    const pages = ['issues', 'receipts', `issue/${issue.id}`].map(
      (page) => `/${secretive.npub}/secret/${page}`,
    );
    for (const where of [...pages, `/${secretive.npub}`]) {
      const refused = await signed(stranger, where, 404);
      if (pages.includes(where)) expect(refused.body, where).toBe(missing);
      else expect(unnamed(refused)).toBe(unknown);
      const { body, headers } = await signed(secretive, where, 200);
      expect(headers.get('cache-control')).toBe('private, no-store');
      expect(body).toContain(where.endsWith('issues') ? 'Hidden' : 'Secretive');
    }
  });
});

it('the API description includes these pages', async () => {
  const { paths } = JSON.parse((await get('/openapi.json')).body);
  for (const page of [
    'issues',
    'issue/{event}',
    'patches',
    'patch/{event}',
    'pulls',
    'pull/{event}',
    'receipts/{ref}',
    'checks/{id}',
  ])
    expect(paths, page).toHaveProperty([`/{owner}/{identifier}/${page}`]);
});
