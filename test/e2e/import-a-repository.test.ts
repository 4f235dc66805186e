/** `cairn import`, beside a running server and through one (issue 13, point 3). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../helpers/command.ts';
import { type CommandResult, GitClient, run } from '../helpers/git-client.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import {
  MAIN,
  OWNER,
  repositoryUrl,
  type ServerProcess,
  spawnServer,
  startServer,
} from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';
import { testSeed } from '../helpers/test-seed.ts';

/** How often an import is killed; `CAIRN_TEST_KILLS=20` is for whoever changes it. */
const KILLS = Number(process.env['CAIRN_TEST_KILLS'] ?? 6);

let folder: TempDir;
let store = '';
let server: ServerProcess;
let user: GitClient;

beforeAll(async () => {
  folder = await tempDir();
  store = `file:${join(folder.path, 'data')}`;
  server = await spawnServer(['--store', store, '--cache', join(folder.path, 'cache')]);
  user = new GitClient(folder.path);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const cairn = (...args: string[]): Promise<CommandResult> => runCommand(args, { HOME: folder.path });
const refsOf = (git: GitClient) => git.run(['for-each-ref', '--format=%(objectname) %(refname)']);

it('an import beside a running server fetches a repository, updates it, and ends with telling exit codes', async () => {
  const source = await user.init('source');
  await source.commit('One', { a: '1\n' });
  await source.run(['tag', '-a', '-m', 'first', 'v1']);
  await source.run(['checkout', '-q', '-b', 'trunk']);
  await source.commit('Two', { a: '2\n' });
  const name = `${OWNER}/moved`;

  const planned = await cairn('import', source.folder, name, '--store', store, '--dry-run', '--json');
  expect(planned.exitCode).toBe(0);
  expect(JSON.parse(planned.stdout)).toMatchObject({
    outcome: 'ok',
    counts: { pending: 3 },
    imported: { packs: 0, state: null },
  });

  const first = await cairn('import', source.folder, name, '--store', store);
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(first.stdout).toMatch(/^created {3}refs\/heads\/trunk +the target does not have it\n/);
  expect(first.stdout).toMatch(/3 changed, 0 equal\n7 objects in one pack, /);
  const clone = await user.clone(repositoryUrl(server, 'moved'), 'moved', '--mirror');
  expect(await refsOf(clone)).toBe(await refsOf(source));
  expect(await clone.run(['symbolic-ref', 'HEAD'])).toBe('refs/heads/trunk');

  await source.commit('Three', { a: '3\n' });
  await source.run(['branch', '-D', 'main']);
  const json = await cairn('import', source.folder, name, '--store', store, '--prune', '--json', '--measure');
  expect(json).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(json.stdout)).toMatchObject({
    command: 'import',
    outcome: 'ok',
    problem: null,
    target: { address: name },
    counts: { applied: 1, deleted: 1, skipped: 1 },
    imported: { packs: 1, objects: 3, state: { depth: 1 } },
    measurement: { peakMemoryBytes: expect.any(Number) },
  });
  await clone.run(['fetch', '-q', '--prune', 'origin']);
  expect(await refsOf(clone)).toBe(await refsOf(source));

  await source.run(['commit', '--amend', '-q', '-m', 'Another three']);
  const blocked = await cairn('import', source.folder, name, '--store', store);
  expect(blocked).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('cannot be changed as asked'),
  });
  expect((await cairn('import', source.folder, name, '--store', store, '--force')).exitCode).toBe(0);
  const nowhere = await cairn('import', join(folder.path, 'nowhere'), name, '--store', store, '--json');
  expect(nowhere.exitCode).toBeGreaterThan(4);
  expect(JSON.parse(nowhere.stdout)).toMatchObject({
    command: 'import',
    outcome: expect.stringMatching(/^(configuration|transport)$/),
  });
  for (const wrong of [
    ['import', source.folder, 'moved', '--store', store],
    ['import', source.folder, name, '--store', store, '--server', server.url],
    ['import', source.folder, name, '--store', store, '--object-format', 'sha512'],
    ['import', source.folder, name, '--store', store, '--pack-objects', 'many'],
  ]) {
    const result = await cairn(...wrong, '--json');
    expect([result.exitCode, JSON.parse(result.stdout)], wrong.join(' ')).toMatchObject([
      5,
      { outcome: 'configuration' },
    ]);
  }
});

it(`an import continues after kill -9 at ${KILLS} random points, and ends with the refs of the source`, async () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const source = await user.init('long');
  const lines: string[] = [];
  for (let n = 1; n <= 400; n++) {
    const content = `${n}\n`.repeat(200);
    lines.push(
      'commit refs/heads/main',
      `committer A User <user@example.com> ${1e9 + n} +0000`,
      'data 1',
      '.',
    );
    lines.push(`M 100644 inline f${n % 5}`, `data ${content.length}`, content);
    if (n % 100 === 0) lines.push(`reset refs/heads/at-${n}`, 'from refs/heads/main', '');
  }
  await source.run(['fast-import', '--quiet'], { input: lines.join('\n') });
  const args = ['import', source.folder, `${OWNER}/long`, '--store', store, '--pack-objects', '60', '--json'];
  let kills = 0;
  for (let n = 0; n < KILLS; n++) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], TMPDIR: folder.path },
    });
    const ended = once(child, 'exit');
    await Promise.race([sleep(300 + random.fraction() * 1_500), ended]);
    if (child.kill('SIGKILL')) kills += 1;
    await ended;
  }
  const result = await run(process.execPath, [MAIN, ...args], { env: { PATH: process.env['PATH'] ?? '' } });
  expect(result.exitCode, `seed ${seed}, ${kills} kills: ${result.stdout}${result.stderr}`).toBe(0);
  const clone = await user.clone(repositoryUrl(server, 'long'), 'long-clone', '--mirror');
  await clone.run(['fsck', '--full', '--strict']);
  expect(await refsOf(clone), `seed ${seed}`).toBe(await refsOf(source));
});

it('an import through a server announces and pushes with the user’s key', async () => {
  await using signed = await startServer({ flags: { access: 'signed' } });
  const home = join(folder.path, 'home');
  await mkdir(home);
  const as = (...args: string[]) => runCommand(args, { HOME: home, CAIRN_SERVER: signed.url });
  await as('key', 'new');
  const { publicKey } = JSON.parse((await as('key', 'show', '--json')).stdout) as { publicKey: string };
  const source = await user.init('theirs', '--object-format=sha256');
  await source.commit('One', { a: '1\n' });
  await source.run(['tag', '-a', '-m', 'first', 'v1']);
  const name = `${publicKey}/theirs`;

  // Nothing was announced yet: the plan is for an empty repository.
  const planned = await as('import', source.folder, name, '--dry-run');
  expect(planned.exitCode, planned.stderr).toBe(0);
  expect(planned.stdout).toContain('2 to change, 0 equal');
  expect(planned.stderr).toContain('the plan is for an empty one');
  const first = await as('import', source.folder, name, '--json');
  expect(first.exitCode, first.stderr).toBe(0);
  expect(JSON.parse(first.stdout)).toMatchObject({ outcome: 'ok', announced: true, counts: { applied: 2 } });
  await source.commit('Two', { a: '2\n' });
  const second = await as('import', source.folder, name, '--json');
  expect(JSON.parse(second.stdout)).toMatchObject({
    outcome: 'ok',
    announced: false,
    counts: { applied: 1, skipped: 1 },
  });
  const clone = await user.clone(repositoryUrl(signed, 'theirs', publicKey), 'theirs-clone', '--mirror');
  expect(await refsOf(clone)).toBe(await refsOf(source));

  // What brings nothing in leaves no empty repository behind.
  const empty = await user.init('empty');
  const nothing = await as('import', empty.folder, `${publicKey}/empty`, '--json');
  expect(JSON.parse(nothing.stdout)).toMatchObject({
    outcome: 'configuration',
    problem: 'the source has nothing to import: it has no refs',
  });
  expect((await user.try(['ls-remote', repositoryUrl(signed, 'empty', publicKey)])).exitCode).not.toBe(0);
  const mistyped = await as('import', source.folder, `${publicKey}/mistyped`, '--branch', 'main,mian');
  expect(mistyped).toMatchObject({
    exitCode: 2,
    stdout:
      'not tried refs/heads/main  the target does not have it\n' +
      'blocked   refs/heads/mian  the source has no refs/heads/mian\n' +
      '0 changed, 0 equal, 1 blocked, 1 not tried\n',
  });
  expect((await user.try(['ls-remote', repositoryUrl(signed, 'mistyped', publicKey)])).exitCode).not.toBe(0);

  const foreign = await as('import', source.folder, `${OWNER}/theirs`, '--json');
  expect(foreign.exitCode).toBe(5);
  expect(JSON.parse(foreign.stdout)).toMatchObject({
    outcome: 'configuration',
    problem: expect.stringMatching(/one of npub1\w+, who has to announce it, and to name your key npub1\w+/),
  });

  // The default branch is that of the source, although a server would take main.
  await source.run(['checkout', '-q', '-b', 'trunk']);
  await source.commit('Three', { a: '3\n' });
  const headed = await as('import', source.folder, `${publicKey}/headed`);
  expect(headed, headed.stderr).toMatchObject({ exitCode: 0 });
  const remote = repositoryUrl(signed, 'headed', publicKey);
  expect(await user.run(['ls-remote', '--symref', remote, 'HEAD'])).toMatch(/^ref: refs\/heads\/trunk\tHEAD/);
});

it('a conversion into a SHA-1 repository is refused before anything is done', async () => {
  const source = await user.init('not-converted');
  await source.commit('One', { a: '1\n' });
  const name = `${OWNER}/as-it-is`;
  expect((await cairn('import', source.folder, name, '--store', store)).exitCode).toBe(0);
  const work = join(folder.path, 'work');
  await mkdir(work);
  const into = ['--object-format', 'sha256', '--work-folder', work, '--store', store];
  const refused = await cairn('import', source.folder, name, ...into);
  expect(refused.exitCode).toBe(5);
  expect(refused.stderr).toContain('has sha1 objects, which do not become sha256 ones');
  expect(refused.stderr).not.toContain('to convert from');
  expect(await readdir(work)).toEqual([]);
});

it('a conversion of a SHA-1 history lists the losses in advance, and imports new commits later (issue 13, point 8)', async () => {
  const source = await user.init('old');
  const first = await source.commit('One', { a: '1\n' });
  await source.commit(`Two\n\nBuilds on ${first}.`, { a: '2\n' });
  await source.run(['tag', '-a', '-m', 'first', 'v1']);
  const tree = await source.run(['rev-parse', 'HEAD^{tree}']);
  const signed = [
    `tree ${tree}`,
    `parent ${await source.oidOf('HEAD')}`,
    'author A User <user@example.com> 1700000000 +0000',
    'committer A User <user@example.com> 1700000000 +0000',
    'gpgsig -----BEGIN PGP SIGNATURE-----',
    ' ',
    ' aaaa',
    ' -----END PGP SIGNATURE-----',
    '',
    'Signed\n',
  ].join('\n');
  const oid = await source.run(['hash-object', '-t', 'commit', '-w', '--stdin'], { input: signed });
  await source.run(['update-ref', 'refs/heads/main', oid]);
  const name = `${OWNER}/new`;
  const convert = (...more: string[]) =>
    cairn(
      'import',
      source.folder,
      name,
      '--store',
      store,
      '--object-format',
      'sha256',
      '--work-folder',
      folder.path,
      '--json',
      ...more,
    );

  const odd = Buffer.concat([Buffer.from(`${oid} refs/heads/caf`), Buffer.of(0xe9, 0x0a)]);
  await writeFile(join(source.folder, '.git/packed-refs'), odd);
  const refused = await convert('--dry-run');
  expect([refused.exitCode, refused.stderr]).toEqual([5, expect.stringContaining('its name is not UTF-8')]);
  await rm(join(source.folder, '.git/packed-refs'));

  const planned = await convert('--dry-run');
  expect(planned.exitCode, planned.stderr).toBe(0);
  // Somebody else could have made it, if it were open to others: it is not used then.
  const [kept = ''] = (await readdir(folder.path)).filter((entry) => entry.startsWith('cairn-convert-'));
  await chmod(join(folder.path, kept), 0o777);
  const open = await convert();
  expect([open.exitCode, JSON.parse(open.stdout)]).toMatchObject([5, { outcome: 'configuration' }]);
  await chmod(join(folder.path, kept), 0o700);
  expect(JSON.parse(planned.stdout)).toMatchObject({
    conversion: { forecast: { signaturesOfCommits: 1, mentions: 1 } },
  });
  const converted = await convert();
  expect(converted.exitCode, converted.stderr).toBe(0);
  expect(converted.stderr).toContain('lost: 1 signature of commits');
  expect(JSON.parse(converted.stdout)).toMatchObject({
    outcome: 'ok',
    objectFormat: 'sha256',
    conversion: { tally: { signaturesOfCommits: 1 } },
  });
  const clone = await user.clone(repositoryUrl(server, 'new'), 'new-clone', '--mirror');
  await clone.run(['fsck', '--full', '--strict']);
  const root = await clone.run(['rev-list', '--max-parents=0', 'main']);
  expect(root).toHaveLength(64);
  expect(await clone.run(['log', '-1', '--format=%B', 'v1'])).toContain(`Builds on ${root}.`);
  expect(await clone.run(['notes', '--ref=sha1-origin', 'show', root])).toBe(first);

  await source.run(['reset', '-q', '--hard']);
  await source.commit('Three', { a: '3\n' });
  const later = await convert();
  expect(JSON.parse(later.stdout)).toMatchObject({ outcome: 'ok', counts: { applied: 1 } });
  await clone.run(['fetch', '-q', 'origin']);
  const tip = await source.oidOf('main');
  expect(await clone.run(['notes', '--ref=sha1-origin', 'show', 'main'])).toBe(tip);
  expect(await clone.run(['log', '--format=%s', 'main'])).toBe('Three\nSigned\nTwo\nOne');
  expect((await readdir(folder.path)).filter((entry) => entry.startsWith('cairn-convert-'))).toEqual([]);
});
