/** Which packages a command loads: loading all of them takes several times as long as what a short command does. */
import { readFile, writeFile } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../helpers/git-client.ts';
import { mirrorRig } from '../helpers/mirror-rig.ts';
import { MAIN, spawnServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** Notes each module that is loaded. */
const LOADER = `
import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync(process.env.LOADED, url + '\\n');
  return next(url, context);
}
`;

interface Loaded {
  /** Their names, sorted; most of those with a scope are parts of others. */
  readonly packages: readonly string[];
  /** Number of modules, with those of Node and of packages. */
  readonly modules: number;
}

/** Runs something with the variables that note what it loads. */
async function loadedBy(
  folder: string,
  work: (env: Record<string, string>) => Promise<void>,
): Promise<Loaded> {
  const loader = join(folder, 'loader.mjs');
  const log = join(folder, 'loaded');
  await writeFile(loader, LOADER);
  await writeFile(log, '');
  await work({ NODE_OPTIONS: `--no-warnings --experimental-loader=${loader}`, HOME: folder, LOADED: log });
  const text = await readFile(log, 'utf8');
  const names = [...text.matchAll(/\/node_modules\/((?:@[^/]+\/)?[^/\n]+)/g)].map(([, name = '']) => name);
  return {
    packages: [...new Set(names)]
      .filter((name) => !name.startsWith('@') || name.startsWith('@hpcc-js'))
      .sort(),
    modules: text.split('\n').length - 1,
  };
}

/** What a command loads. */
function loadedByCommand(folder: string, args: readonly string[], input?: string): Promise<Loaded> {
  return loadedBy(folder, async (env) => {
    const result = await run(MAIN, args, {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      ...(input === undefined ? {} : { input }),
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  });
}

it('a mirror command loads readers of addresses and options, and nothing of a server', async () => {
  await using rig = await mirrorRig();
  await rig.author.commit('One', { file: '1\n' });
  await rig.author.run(['push', '--quiet', 'origin', 'main']);
  const args = ['mirror', 'sync', rig.sourceUrl, rig.targetUrl];
  const { packages, modules } = await loadedByCommand(rig.folder, args);
  expect(packages).toEqual(['commander', 'nostr-tools']);
  expect(modules).toBeLessThan(80);
});

it('an import into a store loads what takes packs in, and nothing that speaks to a server', async () => {
  await using rig = await mirrorRig();
  await rig.author.commit('One', { file: '1\n' });
  const flags = ['--store', `file:${rig.folder}/store`, '--cache', `${rig.folder}/cache`];
  const args = ['import', rig.author.folder, `${'be'.repeat(32)}/imported`, ...flags];
  const { packages, modules } = await loadedByCommand(rig.folder, args);
  expect(packages).toEqual(['commander', 'nostr-tools', 'pino']);
  // It was 125 when the way through a server was loaded, too.
  expect(modules).toBeLessThan(120);
});

it('the credential helper, which git runs at each push, loads signing code only', async () => {
  await using folder = await tempDir();
  await loadedByCommand(folder.path, ['key', 'new']);
  const server = ['--server', 'https://git.example.org'];
  const question = 'protocol=https\nhost=git.example.org\npath=alice/project\ncapability[]=authtype\n\n';
  const { packages, modules } = await loadedByCommand(
    folder.path,
    ['credential', ...server, 'get'],
    question,
  );
  expect(packages).toEqual(['commander', 'nostr-tools', 'nostr-wasm']);
  expect(modules).toBeLessThan(80);
});

it('a command that reads the store loads no part of a server', async () => {
  await using folder = await tempDir();
  const flags = ['--store', `file:${folder.path}/store`, '--cache', `${folder.path}/cache`];
  const { packages, modules } = await loadedByCommand(folder.path, ['repo', 'list', ...flags]);
  expect(packages).toEqual(['commander', 'nostr-tools', 'pino']);
  expect(modules).toBeLessThan(90);
});

it('a server loads what most requests need, and the rest on demand', async () => {
  await using folder = await tempDir();
  const { packages, modules } = await loadedBy(folder.path, async (env) => {
    const flags = ['--store', `file:${folder.path}/store`, '--cache', `${folder.path}/cache`];
    await using server = await spawnServer(flags, env);
    await server.stop();
  });
  const used = ['commander', 'hono', 'nostr-tools', 'nostr-wasm', 'pino', 'prom-client', 'tmp-promise', 'ws'];
  expect(packages).toEqual(used);
  // It was 1,148 when each module of Cairn was a file, and when each start needed execa.
  expect(modules).toBeLessThan(220);
});

it('a thread loads what renders Markdown in few files, while somebody waits for the page', async () => {
  await using folder = await tempDir();
  const program = join(dirname(MAIN), 'markdown.js');
  // Modules of CommonJS that others load are in a list of their own.
  const script = `import(${JSON.stringify(program)}).then(() => console.log(Object.keys(require('module')._cache).length))`;
  let required = 0;
  const { packages, modules } = await loadedBy(folder.path, async (env) => {
    const result = await run(process.execPath, ['-e', script], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    required = Number(result.stdout);
  });
  expect(packages).toEqual(['highlight.js']);
  // It was 109 when packages were not joined.
  expect(modules + required).toBeLessThan(20);
});

it('a stack trace of a joined program has lines of the source', async () => {
  const program = join(dirname(MAIN), 'app.js');
  const map = new SourceMap(JSON.parse(await readFile(`${program}.map`, 'utf8')));
  const definition = 'async function openApp(';
  const lineOf = (text: string) => text.split('\n').findIndex((line) => line.startsWith(definition));
  const entry = map.findEntry(lineOf(await readFile(program, 'utf8')), 0);
  const source = join(dirname(program), 'originalSource' in entry ? entry.originalSource : '');
  expect(source).toBe(join(dirname(MAIN), '../src/server/app.ts'));
  expect(entry).toMatchObject({ originalLine: lineOf(await readFile(source, 'utf8')) });
});
