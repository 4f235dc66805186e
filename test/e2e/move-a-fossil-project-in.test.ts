/** `cairn fossil clone|pull|push|sync`, between a store and the stock server (issue 14, deliverable 5). */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { withFossilStore } from '../../src/cli/fossil/fossil-store.ts';
import { repositoryArgument } from '../../src/cli/repository-argument.ts';
import { RepositoryBag } from '../../src/fossil-sync/client/repository-bag.ts';
import { runCommand } from '../helpers/command.ts';
import { FossilClient, noFossil } from '../helpers/fossil.ts';
import { whole } from '../helpers/fossil-rig.ts';
import type { CommandResult } from '../helpers/git-client.ts';
import { OWNER } from '../helpers/server.ts';
import { type StockFossilServer, serveStock } from '../helpers/stock-fossil-server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const PASSWORD = 'secret words';

let folder: TempDir;
let user: FossilClient;
let repository = '';
let server: StockFossilServer | undefined;

beforeEach(({ skip }) => skip(noFossil !== undefined, noFossil));
beforeAll(async () => {
  folder = await tempDir('cairn-move-fossil');
  if (noFossil !== undefined) return;
  user = new FossilClient(folder.path);
  repository = await user.init('project');
  await user.run(['user', 'password', 'alice', PASSWORD, '-R', repository]);
  await user.run(['user', 'capabilities', 'alice', 'sxy', '-R', repository]);
  for (let commit = 0; commit < 4; commit++) {
    const files = { 'read.me': `version ${commit}\n`.repeat(40), [`file${commit}`]: `${commit}` };
    await user.commit('project', `commit ${commit}`, files);
  }
  await user.run(['uv', 'add', 'project/read.me', '--as', 'download', '-R', repository]);
  server = await serveStock(user, repository);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const cairn = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> =>
  runCommand(['fossil', ...args, '--store', `file:${join(folder.path, 'data')}`], {
    HOME: folder.path,
    ...env,
  });
const urlOf = (stock: StockFossilServer | undefined) => stock?.url ?? '';

/** An empty repository of the stock program for the same project. */
async function emptyTwin(name: string): Promise<string> {
  const path = join(folder.path, `${name}.fossil`);
  await user.run(['init', path]);
  const code = await user.projectCode(repository);
  await user.run(['sql', '-R', path, `UPDATE config SET value='${code}' WHERE name='project-code'`]);
  await user.run(['user', 'password', 'alice', PASSWORD, '-R', path]);
  await user.run(['user', 'capabilities', 'alice', 'sxy', '-R', path]);
  return path;
}

it('a project is imported, kept in sync, and pushed to another server', async () => {
  const name = `${OWNER}/moved`;
  const first = await cairn(['clone', urlOf(server), name]);
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  const count = (await user.artifacts(repository)).length;
  expect(first.stdout).toMatch(
    new RegExp(`^${name}: ${count} artifacts received, 1 unversioned files received in \\d+ rounds`),
  );

  await user.commit('project', 'later', { 'read.me': 'later\n' });
  const pulled = await cairn(['pull', urlOf(server), name, '--json']);
  expect(pulled).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(pulled.stdout)).toMatchObject({
    command: 'pull',
    outcome: 'ok',
    problem: null,
    url: urlOf(server),
    repository: name,
    filesReceived: 2,
    filesSent: 0,
    errors: [],
  });

  const twin = await emptyTwin('twin');
  await using other = await serveStock(user, twin);
  const env = { CAIRN_FOSSIL_PASSWORD: PASSWORD };
  const pushed = await cairn(['push', other.url, name, '--user', 'alice'], env);
  expect(pushed).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await user.artifacts(twin)).toEqual(expect.arrayContaining([...(await user.artifacts(repository))]));
  expect(await user.run(['uv', 'cat', 'download', '-R', twin])).toBe('version 3\n'.repeat(40).trim());
  expect(await user.run(['test-integrity', '-R', twin])).toContain('0 errors');
  await user.run(['rebuild', twin]);
  const timeline = "SELECT type, count(*) FROM event WHERE type IN ('ci', 'g') GROUP BY type";
  const [theirs] = await user.sql(twin, timeline);
  // The twin has a first check-in of its own.
  expect(Number(theirs?.split(',')[1])).toBe(
    Number((await user.sql(repository, timeline))[0]?.split(',')[1]) + 1,
  );

  const again = await cairn(['sync', urlOf(server), name, '--json', '--user', 'alice'], env);
  expect(JSON.parse(again.stdout)).toMatchObject({ outcome: 'ok', filesSent: 0, filesReceived: 0 });
});

it('what was pulled in many rounds is folded by the command itself', async () => {
  const name = `${OWNER}/folded`;
  expect((await cairn(['clone', urlOf(server), name])).exitCode).toBe(0);
  const store = `file:${join(folder.path, 'data')}`;
  const kinds = async () =>
    withFossilStore(
      { store, 'log-level': 'silent' },
      { environment: {} },
      { writes: false },
      async (opened) => {
        const published = await opened.repositories.get(repositoryArgument(name)).resolve();
        return published?.manifest.packs.map(({ kind }) => kind);
      },
    );
  await withFossilStore(
    { store, 'log-level': 'silent' },
    { environment: {} },
    { writes: true },
    async (opened) => {
      const bag = await RepositoryBag.open(opened.repositories.get(repositoryArgument(name)));
      for (let round = 0; round < 15; round++) await bag.take({ artifacts: [whole(`round ${round}`)] });
    },
  );
  expect((await kinds())?.length).toBeGreaterThanOrEqual(16);
  expect(await cairn(['pull', urlOf(server), name])).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await kinds()).toEqual(['fold']);
});

it('commands end with telling exit codes after errors, and leave nothing half done', async () => {
  const name = `${OWNER}/refused`;
  const wrong = await cairn(['clone', urlOf(server).replace('//', '//alice:guess@'), name]);
  expect(wrong.exitCode).toBe(5);
  expect(wrong.stderr).toContain('login failed');
  expect(wrong.stderr).not.toContain('guess');
  const missing = await cairn(['pull', urlOf(server), name]);
  expect(missing.exitCode).toBe(5);
  expect(missing.stderr).toContain(`there is no repository ${name}: clone it first`);
  const gone = await cairn(['clone', 'http://127.0.0.1:9/', name, '--json']);
  expect(gone.exitCode).toBe(6);
  expect(JSON.parse(gone.stdout)).toMatchObject({ outcome: 'transport', url: 'http://127.0.0.1:9/' });
  const noUrl = await cairn(['clone', 'ftp://127.0.0.1/', name]);
  expect(noUrl.exitCode).toBe(5);
  expect((await cairn(['clone', urlOf(server), name])).exitCode).toBe(0);
  const twice = await cairn(['clone', urlOf(server), name]);
  expect(twice.exitCode).toBe(2);
  expect(twice.stderr).toContain('it is not empty: pull into it instead');
  const refused = await cairn(['push', urlOf(server), name]);
  expect(refused.exitCode).toBe(5);
  const half = await cairn(['sync', urlOf(server), name]);
  expect(half.exitCode).toBe(3);
  expect(half.stderr).toContain('not authorized to push');
});
