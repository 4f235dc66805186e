/** Which packages a command loads: loading all of them takes several times as long as what a short command does. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../helpers/git-client.ts';
import { mirrorRig } from '../helpers/mirror-rig.ts';
import { MAIN } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** Notes each module that is loaded. */
const LOADER = `
import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync(process.env.LOADED, url + '\\n');
  return next(url, context);
}
`;

/** The packages that a command loads, sorted. */
async function packagesOf(folder: string, args: readonly string[], input?: string): Promise<string[]> {
  const loader = join(folder, 'loader.mjs');
  const log = join(folder, 'loaded');
  await writeFile(loader, LOADER);
  await writeFile(log, '');
  const result = await run(
    process.execPath,
    ['--no-warnings', '--experimental-loader', loader, MAIN, ...args],
    {
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, LOADED: log },
      ...(input === undefined ? {} : { input }),
    },
  );
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  const names = (await readFile(log, 'utf8')).matchAll(/\/node_modules\/((?:@[^/]+\/)?[^/\n]+)/g);
  return [...new Set([...names].map(([, name = '']) => name))].filter((name) => !name.startsWith('@')).sort();
}

it('a mirror loads what reads addresses and options, and nothing of a server', async () => {
  await using rig = await mirrorRig();
  await rig.author.commit('One', { file: '1\n' });
  await rig.author.run(['push', '--quiet', 'origin', 'main']);
  const args = ['mirror', 'sync', rig.sourceUrl, rig.targetUrl];
  expect(await packagesOf(rig.folder, args)).toEqual(['commander', 'nostr-tools']);
});

it('the credential helper, which git runs at each push, loads what signs', async () => {
  await using folder = await tempDir();
  await packagesOf(folder.path, ['key', 'new']);
  const server = ['--server', 'https://git.example.org'];
  const question = 'protocol=https\nhost=git.example.org\npath=alice/project\ncapability[]=authtype\n\n';
  const loaded = await packagesOf(folder.path, ['credential', ...server, 'get'], question);
  expect(loaded).toEqual(['commander', 'nostr-tools', 'nostr-wasm']);
});
