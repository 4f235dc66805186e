import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../helpers/command.ts';
import { Person } from '../helpers/nostr-client.ts';
import { type ServerProcess, spawnServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const operator = new Person();
let folder: TempDir;
let server: ServerProcess;

const words = (...flags: string[]) => [
  '--store',
  `file:${join(folder.path, 'data')}`,
  '--cache',
  join(folder.path, 'cache'),
  ...flags,
];
const cairn = (args: readonly string[]) => runCommand(args);

beforeAll(async () => {
  folder = await tempDir();
  const flags = ['--service-name', 'Forge', '--service-description', 'For "our" <people>.'];
  server = await spawnServer(words(...flags, '--service-icon', 'https://example.org/icon.png'), {
    CAIRN_ACCESS: 'signed',
    CAIRN_OPERATOR: operator.npub,
    CAIRN_SERVICE_CONTACT: 'mailto:admin@example.org',
  });
});
afterAll(async () => {
  await server.stop();
  await folder[Symbol.asyncDispose]();
});

it('relay information has the operator’s description, key, contact and icon (issue 11, point 24)', async () => {
  const answer = await fetch(server.url, { headers: { accept: 'application/nostr+json' } });
  expect(await answer.json()).toMatchObject({
    name: 'Forge',
    description: 'For "our" <people>.',
    pubkey: operator.publicKey,
    contact: 'mailto:admin@example.org',
    icon: 'https://example.org/icon.png',
  });
  const page = await (await fetch(server.url)).text();
  expect(page).toContain('For &quot;our&quot; &lt;people&gt;.');
  expect(page, 'no request to elsewhere').not.toContain('icon.png');
});

it.each([
  ['--operator', 'npub1x', 'expected a public key'],
  [
    '--operator',
    `${operator.npub.slice(0, -1)}${operator.npub.endsWith('q') ? 'p' : 'q'}`,
    'checksum is wrong',
  ],
  ['--service-contact', 'ask me', 'expected a URL'],
  ['--service-icon', 'icon.png', 'expected http'],
])('%s %s is refused (issue 11, point 24)', async (flag, value, reason) => {
  const separate = [
    '--store',
    `file:${join(folder.path, 'other')}`,
    '--cache',
    join(folder.path, 'other-cache'),
  ];
  const refused = await cairn(['serve', '--port', '0', ...separate, flag, value]);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain(`${flag} is ${JSON.stringify(value)}: `);
  expect(refused.stderr).toContain(reason);
});

it('cairn withdraw reports a name that was never announced, and ends with exit code 1 (issue 11, point 24)', async () => {
  const key = ['--key', join(folder.path, 'key')];
  await cairn(['key', 'new', ...key]);
  const withdraw = () => cairn(['withdraw', 'misspelt', '--server', server.url, ...key]);
  // Nobody with a repository here, then somebody who has one.
  const first = await withdraw();
  expect(first).toMatchObject({ exitCode: 1, stdout: '' });
  expect(first.stderr).toMatch(/nothing of yours here|announced no repository/);
  expect(await cairn(['announce', 'project', '--server', server.url, ...key])).toMatchObject({ exitCode: 0 });
  const second = await withdraw();
  expect(second).toMatchObject({ exitCode: 1, stdout: '' });
  expect(second.stderr).toContain('you have announced no repository "misspelt" here');
  expect(await cairn(['withdraw', 'project', '--server', server.url, ...key])).toMatchObject({ exitCode: 0 });
});
