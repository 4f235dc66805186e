import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GitClient, run } from '../helpers/git-client.ts';
import { MAIN, OWNER } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let folder: TempDir;
let keyFile: string;
const environment = { PATH: process.env['PATH'] ?? '' };
const cairn = (words: readonly string[], input = '') =>
  run(process.execPath, [MAIN, ...words], { env: environment, input, cwd: folder.path });

beforeAll(async () => {
  folder = await tempDir();
  keyFile = join(folder.path, 'key');
  expect(await cairn(['key', '--key', keyFile, 'new'])).toMatchObject({ exitCode: 0, stderr: '' });
});
afterAll(() => folder[Symbol.asyncDispose]());

const SERVER = 'https://git.example.org';
const QUESTION = 'protocol=https\nhost=git.example.org\npath=git/npub1x/project.git\n\n';

it.each([
  ['before', (options: readonly string[]) => ['credential', ...options, 'get']],
  ['after', (options: readonly string[]) => ['credential', 'get', ...options]],
])('cairn credential accepts its options %s the operation (issue 11, point 25)', async (_, words) => {
  const answer = await cairn(words(['--server', SERVER, '--key', keyFile]), QUESTION);
  expect(answer).toMatchObject({ exitCode: 0, stderr: '' });
  expect(answer.stdout).toMatch(/^username=npub1\S+\npassword=\S+/);
});

it('a request for another host or protocol gets an empty answer, and git asks the next helper', async () => {
  const options = ['credential', 'get', '--server', SERVER, '--key', keyFile];
  for (const [said, other] of [
    ['git.example.org', 'git.example.com'],
    ['git.example.org', 'git.example.org:8443'],
    ['https', 'ftp'],
  ] as const) {
    const answer = await cairn(options, QUESTION.replace(said, other));
    expect(answer, other).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  }
});

it('git gets a credential although it appends the operation to the command (issue 11, point 25)', async () => {
  const helper = `!'${process.execPath}' '${MAIN}' credential --server ${SERVER} --key '${keyFile}'`;
  const git = new GitClient(folder.path, [`credential.helper=${helper}`, 'credential.useHttpPath=true']);
  const filled = await git.run(['credential', 'fill'], { input: QUESTION });
  expect(filled).toMatch(/password=|credential=/);
  for (const operation of ['approve', 'reject']) {
    const told = await git.try(['credential', operation], { input: `${filled}\n\n` });
    expect(told, operation).toMatchObject({ exitCode: 0, stderr: '' });
  }
});

it('an unknown operation is ignored silently, as git requires of helpers', async () => {
  const answer = await cairn(['credential', '--server', SERVER, 'tomorrow'], QUESTION);
  expect(answer).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(await cairn(['credential'])).toMatchObject({ exitCode: 1, stdout: '' });
});

it('cairn repo accepts its options before or after the operation', async () => {
  const store = ['--store', `file:${join(folder.path, 'data')}`];
  const made = await cairn(['repo', ...store, 'create', `${OWNER}/x`]);
  expect(made).toMatchObject({ exitCode: 0, stderr: '' });
  const [before, after] = [await cairn(['repo', ...store, 'list']), await cairn(['repo', 'list', ...store])];
  expect(before.stdout).toContain(`${OWNER}/x`);
  expect(after).toEqual(before);
});

it('a reader that stops early, such as `head`, causes no error', async () => {
  // `true` reads nothing, and has ended long before Node has started.
  const script = 'set -o pipefail; "$@" | true; echo "ended with $?"';
  const words = [process.execPath, MAIN, 'key', '--key', keyFile, 'show'];
  const ended = await run('bash', ['--norc', '-c', script, 'bash', ...words], { env: environment });
  expect(ended).toEqual({ exitCode: 0, stdout: 'ended with 0\n', stderr: '' });
});
