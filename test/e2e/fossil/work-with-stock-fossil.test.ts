import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { nameOf } from '../../../src/fossil/artifact-name.ts';
import { ChangeShun, type ShunRequest } from '../../../src/repository/fossil/change-shun.ts';
import { FossilClient, noFossil } from '../../helpers/fossil.ts';
import { expectSame, expectWhole } from '../../helpers/fossil-compare.ts';
import { fossilHost, PASSWORD, READER } from '../../helpers/fossil-host.ts';
import { cardsOf, errorOf, FossilRequests, pragmasOf } from '../../helpers/fossil-requests.ts';
import { whole } from '../../helpers/fossil-rig.ts';
import { type FossilServers, startFossilServers } from '../../helpers/fossil-servers.ts';
import { startR2, type TestBucket } from '../../helpers/r2.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

/** One user of the program with a repository and a checkout. */
class User {
  readonly client: FossilClient;
  readonly name: string;
  readonly repository: string;

  constructor(folder: string, name: string) {
    this.name = name;
    this.client = new FossilClient(folder, name);
    this.repository = join(folder, 'project.fossil');
  }

  /** Runs a command in the checkout, and returns all that it said. */
  async do(...args: string[]): Promise<string> {
    return (await this.client.try(args, { cwd: 'project' })).all;
  }

  /** The same in the checkout's repository, without an error of the server or of the program. */
  async must(...args: string[]): Promise<string> {
    const { all, exitCode } = await this.client.try(args, { cwd: 'project' });
    expect(all, args.join(' ')).not.toMatch(/error:|server says|not authorized|failed/i);
    expect(exitCode, `${args.join(' ')}\n${all}`).toBe(0);
    return all;
  }

  /** @returns the whole name of the check-in */
  async commit(
    comment: string,
    files: Readonly<Record<string, string | Uint8Array>>,
    ...options: string[]
  ): Promise<string> {
    await this.client.commit('project', comment, files, ...options);
    return this.tip();
  }

  /** The check-in that the checkout is at. The program shows its first 40 digits alone. */
  async tip(): Promise<string> {
    const shown = await this.client.checkIn('project');
    const [name = ''] = await this.client.sql(
      this.repository,
      `SELECT uuid FROM blob WHERE uuid LIKE '${shown}%'`,
    );
    return name.replaceAll("'", '');
  }

  write(path: string, content: string | Uint8Array): Promise<void> {
    return writeFile(join(this.client.folder, 'project', path), content);
  }

  async connect(url: string): Promise<void> {
    await this.client.run(['clone', '--save-http-password', '-u', url, this.repository]);
    await this.client.run(['settings', 'backoffice-disable', '1', '-R', this.repository]);
    await this.client.open(this.repository, 'project');
  }
}

describe.each([
  { name: 'one server', servers: 1, onS3: false },
  { name: 'two servers over one S3 endpoint that take turns', servers: 2, onS3: true },
])('stock fossil with $name (issue 14)', ({ servers: count, onS3 }) => {
  let folder: TempDir;
  let bucket: TestBucket | undefined;
  let servers: FossilServers;
  let alice: User;
  let bob: User;
  let projectCode: string;

  beforeEach((test) => test.skip(noFossil !== undefined, noFossil));

  beforeAll(async () => {
    if (noFossil !== undefined) return;
    folder = await tempDir('cairn-fossil');
    const folders = ['alice', 'bob'].map((name) => join(folder.path, name));
    for (const path of folders) await mkdir(path);
    alice = new User(folders[0] ?? '', 'alice');
    bob = new User(folders[1] ?? '', 'bob');
    const starter = new FossilClient(folder.path, 'alice');
    const source = await starter.init('source');
    bucket = onS3 ? await startR2() : undefined;
    projectCode = await starter.projectCode(source);
    servers = await startFossilServers(
      { projectCode, projectName: 'Stones' },
      { servers: count, ...(bucket && { bucket }) },
    );
    await starter.run(['push', '--once', servers.urlOf('alice'), '-R', source]);
    await alice.connect(servers.urlOf('alice'));
    await bob.connect(servers.urlOf('bob'));
  });

  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]();
    await bucket?.close();
    await folder?.[Symbol.asyncDispose]();
  });

  /** Both have what the other has, and so has a fresh clone. */
  async function expectInStep(): Promise<void> {
    await alice.must('sync');
    await bob.must('sync');
    await alice.must('sync');
    await expectSame(alice, bob);
    expect(servers.faults).toEqual([]);
  }

  it('clones, checks in with autosync, and updates', async () => {
    await alice.commit('first', { 'a.txt': 'hello\n', 'src/b.txt': 'line\n'.repeat(200) });
    await bob.must('update');
    await bob.commit('second', {
      'src/b.txt': `${'line\n'.repeat(200)}more\n`,
      'c.bin': Buffer.from([0, 1, 2, 255]),
    });
    expect(await alice.must('update')).toContain('UPDATE src/b.txt');
    await expectInStep();
    expect(
      await bob.client.sql(bob.repository, "SELECT value FROM config WHERE name='project-name'"),
    ).toEqual(["'Stones'"]);
  });

  it('syncs branches and tags, and their cancellation', async () => {
    const tip = await alice.commit('on a branch', { 'd.txt': 'branch\n' }, '--branch', 'feature');
    await alice.must('tag', 'add', 'release-1', tip);
    await alice.must('tag', 'add', '--propagate', 'reviewed', tip, 'yes');
    await alice.must('update', 'trunk');
    await expectInStep();
    expect(await bob.must('tag', 'list')).toContain('release-1');
    await bob.must('tag', 'cancel', 'release-1', tip);
    await bob.must('amend', tip, '--close');
    await expectInStep();
    expect(await alice.must('tag', 'list')).not.toContain('release-1');
  });

  it('syncs wiki pages, technotes, attachments and tickets', async () => {
    await alice.write('page.md', '# A page\n');
    await alice.must('wiki', 'create', 'Page', 'page.md', '--mimetype', 'text/x-markdown');
    await alice.write('page.md', '# A page\n\nwith more\n');
    await alice.must('wiki', 'commit', 'Page', 'page.md');
    await alice.must('wiki', 'create', 'A note', 'page.md', '--technote', '2026-01-02T03:04:05');
    await alice.must('attachment', 'add', 'Page', 'page.md');
    await alice.must('ticket', 'add', 'title', 'It breaks', 'status', 'Open', 'type', 'Code_Defect');
    await expectInStep();
    expect(await bob.must('wiki', 'export', 'Page', '-')).toContain('with more');
    const [ticket = ''] = await bob.client.sql(bob.repository, 'SELECT tkt_uuid FROM ticket');
    await bob.must('ticket', 'set', ticket.replaceAll("'", ''), 'status', 'Fixed');
    await expectInStep();
    expect(await alice.client.sql(alice.repository, 'SELECT status FROM ticket')).toEqual(["'Fixed'"]);
  });

  it('syncs forum posts', async () => {
    const body = 'D 2026-02-03T04:05:06.789\nH A\\squestion\nN text/x-markdown\nU alice\nW 6\nHello!\n';
    const post = whole(`${body}Z ${createHash('md5').update(body).digest('hex')}\n`);
    const requests = new FossilRequests(fossilHost(servers.repository), projectCode);
    const reply = await requests.send(
      [requests.push, { card: 'file', name: post.name, payload: post.payload, isPrivate: false }],
      { user: 'alice' },
    );
    expect(errorOf(reply)).toBeUndefined();
    await expectInStep();
    expect(await bob.client.sql(bob.repository, 'SELECT count(*) FROM forumpost')).toEqual(['1']);
  });

  it('syncs unversioned files in both directions: added, edited, deleted', async () => {
    // Of two versions the one with the later second wins, and the first file gets the time of its writing.
    const begun = Date.now();
    const later = (seconds: number) =>
      new Date(begun + 3_600_000 + 1000 * seconds).toISOString().slice(0, 19);
    const list = async (user: User) =>
      (await user.must('uv', 'list')).split('\n').map((line) => line.trim().split(/ +/).at(-1));
    await alice.write('one.txt', 'one\n');
    await alice.must('uv', 'add', 'one.txt');
    await alice.must('uv', 'sync');
    await bob.must('uv', 'sync');
    expect(await list(bob)).toContain('one.txt');
    await bob.write('two.bin', Buffer.alloc(100_000, 'two'));
    await bob.must('uv', 'add', 'two.bin', '--mtime', later(0));
    await bob.must('uv', 'sync');
    await alice.must('sync', '-u');
    expect(await alice.must('uv', 'cat', 'two.bin')).toHaveLength(100_000);
    await alice.write('one.txt', 'one, edited\n');
    await alice.must('uv', 'add', 'one.txt', '--mtime', later(1));
    await alice.must('uv', 'rm', 'two.bin', '--mtime', later(2));
    await alice.must('uv', 'sync');
    await bob.must('uv', 'sync');
    expect(await bob.must('uv', 'cat', 'one.txt')).toBe('one, edited');
    expect(await list(bob)).not.toContain('two.bin');
  });

  it('keeps private branches private until they are requested', async () => {
    const secret = await alice.commit(
      'secret',
      { 'secret.txt': 'nobody reads this\n' },
      '--private',
      '--branch',
      'hidden',
    );
    await alice.must('sync');
    await bob.must('pull');
    expect(await bob.client.artifacts(bob.repository)).not.toContain(secret);
    await alice.must('sync', '--private');
    await bob.must('pull');
    expect(await bob.client.artifacts(bob.repository)).not.toContain(secret);
    await bob.must('pull', '--private');
    expect(await bob.client.artifacts(bob.repository)).toContain(secret);
    expect(await bob.client.sql(bob.repository, 'SELECT count(*) FROM private')).not.toEqual(['0']);
    await expectWhole(bob.client, bob.repository);
    const anonymous = new FossilClient(folder.path, 'carol');
    await anonymous.run(['clone', servers.url, 'public.fossil']);
    const names = await anonymous.artifacts(join(folder.path, 'public.fossil'));
    expect(names).not.toContain(secret);
    expect(names.length).toBe((await servers.repository.bagOf(await published())).publicCount);
    await expectWhole(anonymous, join(folder.path, 'public.fossil'));
    await alice.must('update', 'trunk');
  });

  it('sends and takes in no shunned artifact, until it is shunned no more', async () => {
    const { repository } = servers;
    const change = (request: ShunRequest) =>
      repository.publisher.join(new ChangeShun(repository, request, repository.mark()));
    const content = 'a password that nobody should have\n';
    const leak = nameOf(Buffer.from(content), 'sha3-256');
    await alice.commit('leak', { 'leak.txt': content });
    await alice.must('sync');
    await change({ shun: [leak] });
    await bob.must('pull');
    // She has it still, and announces it.
    await alice.must('sync', '--verily');
    const anonymous = new FossilClient(folder.path, 'erin');
    await anonymous.run(['clone', servers.url, 'without.fossil']);
    const clone = join(folder.path, 'without.fossil');
    for (const [client, path] of [
      [bob.client, bob.repository],
      [anonymous, clone],
    ] as const) {
      expect(await client.artifacts(path)).not.toContain(leak);
      // The check-in names it.
      await expectWhole(client, path, 1);
    }
    await change({ unshun: [leak] });
    await bob.must('pull');
    expect(await bob.client.artifacts(bob.repository)).toContain(leak);
    await expectInStep();
  });

  async function published() {
    const state = await servers.repository.resolve();
    if (state === undefined) throw new Error('there is no repository');
    return state;
  }

  it('answers --verily: both sides announce all their artifacts', async () => {
    await alice.must('sync', '--verily');
    await bob.must('pull', '--verily');
    await expectWhole(bob.client, bob.repository);
    expect(servers.faults).toEqual([]);
  });

  it('refuses pushes of readers and wrong passwords, in words that the program shows', async () => {
    const carol = new FossilClient(join(folder.path, 'bob'), 'carol');
    const wrong = servers.urlOf('bob').replace(PASSWORD, 'guess');
    expect((await carol.try(['pull', wrong, '--once', '-R', bob.repository])).all).toContain('login failed');
    const reader = await carol.try(['push', servers.url, '--once', '-R', bob.repository]);
    expect(reader.all).toContain('not authorized to write');
  });

  it('clones from servers that serve pages in turn, in the order that stock fossil expects', async () => {
    const client = new FossilClient(folder.path, 'dora');
    const { all } = await client.try(['clone', servers.urlOf('alice'), 'fresh.fossil']);
    expect(all).toContain('Clone done');
    const repository = join(folder.path, 'fresh.fossil');
    const state = await servers.repository.bagOf(await published());
    expect((await client.artifacts(repository)).length).toBe(state.publicCount);
    await expectWhole(client, repository);
  });

  it('warns of a check-in that somebody else is about to make on the same one', async () => {
    await alice.must('update', 'trunk');
    await bob.must('update', 'trunk');
    const tip = await alice.tip();
    const requests = new FossilRequests(servers.hosts[0] ?? fossilHost(servers.repository), projectCode);
    const lock = { card: 'pragma', name: 'ci-lock', args: [tip, 'another-checkout'] } as const;
    const reply = await requests.send([requests.pull, lock], { user: 'alice' });
    expect(pragmasOf(reply, 'ci-lock-fail')).toEqual([]);
    expect(cardsOf(reply, 'error')).toEqual([]);
    await bob.write('lock.txt', 'hello from bob\n');
    await bob.must('add', 'lock.txt');
    const warned = await bob.client.try(['commit', '-m', 'maybe a fork', '--no-warnings'], {
      cwd: 'project',
      input: 'n\n',
    });
    expect(warned.all).toMatch(/alice/);
    await requests.send([{ card: 'pragma', name: 'ci-unlock', args: ['another-checkout'] }], {
      user: 'alice',
    });
    await bob.must('commit', '-m', 'no fork', '--no-warnings');
    await expectInStep();
  });
});

describe('full replies', () => {
  beforeEach((test) => test.skip(noFossil !== undefined, noFossil));

  it('lose nothing: artifacts and unversioned files follow in the next ones', async () => {
    await using folder = await tempDir('cairn-fossil');
    const alice = new FossilClient(folder.path);
    const source = await alice.init('source');
    const files = Object.fromEntries(
      Array.from({ length: 12 }, (_, at) => [`${at}.bin`, noise(20_000, at)] as const),
    );
    await alice.commit('source', 'files', files);
    for (const name of ['0.bin', '1.bin', '2.bin']) await alice.run(['uv', 'add', name], { cwd: 'source' });
    await using servers = await startFossilServers(
      { projectCode: await alice.projectCode(source) },
      { limits: { replyBytes: 30_000 } },
    );
    await alice.run(['push', '--once', servers.urlOf('alice'), '-R', source]);
    await alice.run(['uv', 'sync', servers.urlOf('alice'), '-R', source]);
    const copy = join(folder.path, 'copy.fossil');
    await alice.run(['clone', '-u', servers.url, copy]);
    await expectSame({ client: alice, repository: source }, { client: alice, repository: copy });
    const query = 'SELECT name, hash, sz, length(content) > 0 FROM unversioned ORDER BY name';
    expect(await alice.sql(copy, query)).toEqual(await alice.sql(source, query));
    await alice.commit('source', 'more', { 'more.txt': 'more' }, '--branch', 'more');
    await alice.run(['push', '--once', servers.urlOf('alice'), '-R', source]);
    await alice.run(['pull', '-R', copy]);
    await expectSame({ client: alice, repository: source }, { client: alice, repository: copy });
  });
});

describe('a project of 2,000 artifacts', () => {
  beforeEach((test) => test.skip(noFossil !== undefined, noFossil));

  it('is pushed in many rounds, put into clusters, cloned, and pulled by a client that has the beginning', async () => {
    await using folder = await tempDir('cairn-fossil');
    const alice = new FossilClient(folder.path);
    const [half, source] = [join(folder.path, 'half.fossil'), join(folder.path, 'source.fossil')];
    await alice.run(['import', '--git', source], { input: history(660) });
    await using servers = await startFossilServers(
      { projectCode: await alice.projectCode(source) },
      { servers: 2 },
    );
    await alice.run(['push', '--once', servers.urlOf('alice'), '-R', source]);
    const clone = join(folder.path, 'clone.fossil');
    await alice.run(['clone', servers.url, clone]);
    await expectSame({ client: alice, repository: source }, { client: alice, repository: clone });
    expect((await alice.artifacts(source)).length).toBeGreaterThan(1_900);

    // A repository of the same project with a third of the history: the pull brings the rest, in clusters.
    await alice.run(['import', '--git', half], { input: history(220) });
    const code = await alice.projectCode(source);
    await alice.run(['sql', '-R', half, `UPDATE config SET value='${code}' WHERE name='project-code'`]);
    await alice.run(['pull', '--once', servers.url, '-R', half]);
    expect(await alice.artifacts(half)).toEqual(expect.arrayContaining([...(await alice.artifacts(source))]));
    await expectWhole(alice, half);
    const state = await servers.repository.resolve();
    if (state === undefined) throw new Error('there is no repository');
    const bag = await servers.repository.bagOf(state);
    expect([...bag.clusters()].length).toBeGreaterThan(1);
    expect(bag.unclusteredCount).toBeLessThan(100);
    expect(servers.faults).toEqual([]);
  });
});

/** A history as git exports it: each commit changes two files of twenty. */
function history(commits: number): string {
  const lines: string[] = [];
  for (let at = 0; at < commits; at++) {
    const message = `commit ${at}`;
    lines.push(
      'commit refs/heads/trunk',
      `committer alice <alice@example.org> ${1_700_000_000 + 60 * at} +0000`,
    );
    lines.push(`data ${message.length}`, message);
    for (const file of [at % 20, (at * 7 + 3) % 20 === at % 20 ? (at + 1) % 20 : (at * 7 + 3) % 20]) {
      const content = `${'a line that stays\n'.repeat(60)}file ${file} as of ${at}\n`;
      lines.push(`M 100644 inline file-${file}.txt`, `data ${content.length}`, content);
    }
    lines.push('');
  }
  return lines.join('\n');
}

/** Bytes that no compression makes smaller. */
function noise(length: number, seed: number): Uint8Array {
  const random = new SeededRandom(seed);
  return Uint8Array.from({ length }, () => random.below(256));
}

describe('a closed repository', () => {
  beforeEach((test) => test.skip(noFossil !== undefined, noFossil));

  it('is cloned with a password, using the login of the first round', async () => {
    await using folder = await tempDir('cairn-fossil');
    const alice = new FossilClient(folder.path);
    const source = await alice.init('source');
    await using servers = await startFossilServers(
      { projectCode: await alice.projectCode(source) },
      { anonymous: { ...READER, read: false } },
    );
    await alice.run(['push', '--once', servers.urlOf('alice'), '-R', source]);
    const refused = await alice.try(['clone', servers.url, 'no.fossil']);
    expect(refused.all).toContain('not authorized to clone');
    const cloned = await alice.try(['clone', servers.urlOf('alice'), 'yes.fossil']);
    expect(cloned.all).toContain('Clone done');
    await expectSame(
      { client: alice, repository: source },
      { client: alice, repository: join(folder.path, 'yes.fossil') },
    );
  });
});
