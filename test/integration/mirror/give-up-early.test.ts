/** A remote that never answers does not keep anybody from hearing what is wrong with the rest. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { plan, sync } from '../../../src/mirror/mirror.ts';
import { silent } from '../../../src/mirror/observer.ts';
import { runCommand } from '../../helpers/command.ts';
import { type MirrorRig, mirrorRig } from '../../helpers/mirror-rig.ts';
import { type ScriptedServer, startScriptedServer } from '../../helpers/scripted-http-server.ts';
import { OWNER } from '../../helpers/server.ts';

let rig: MirrorRig;
let server: ScriptedServer;
beforeAll(async () => {
  rig = await mirrorRig();
  await rig.author.commit('One', { file: '1\n' });
  await rig.author.run(['push', '--quiet', 'origin', 'main']);
  server = await startScriptedServer((request, response) => {
    if (request.url?.startsWith('/silent') === true) return;
    response.writeHead(request.url?.startsWith('/html') === true ? 200 : 404, {
      'Content-Type': 'text/html',
    });
    response.end('<p>nobody is here</p>');
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

it.each([
  ['silent', 'absent', 'configuration', 'absent'],
  ['absent', 'silent', 'configuration', 'absent'],
  ['silent', 'html', 'transport', 'html'],
  ['silent', 'nowhere', 'configuration', 'nowhere'],
] as const)('the run from %s to %s', async (from, to, outcome, problem) => {
  const notices: string[] = [];
  const address = (name: string) => (name === 'nowhere' ? join(rig.folder, name) : `${server.url}/${name}`);
  const result = await sync({
    source: { address: address(from) },
    target: { address: address(to) },
    observer: { ...silent, notice: (text) => void notices.push(text) },
    scratchFolder: rig.folder,
  });
  expect(result).toMatchObject({ outcome, problem: expect.stringContaining(problem) });
  expect(notices).toEqual([]);
});

it('but a plan for a target that is to be created waits for the source', async () => {
  const planned = await plan({
    source: { address: rig.sourceUrl },
    target: { address: join(rig.folder, 'nowhere') },
    scratchFolder: rig.folder,
  });
  expect(planned).toMatchObject({ outcome: 'ok', refs: [{ action: 'create' }] });
});

it('an import into a store that cannot be used', async () => {
  const store = `file:${join(rig.folder, 'author', '.git', 'HEAD')}`;
  const args = ['import', `${server.url}/silent`, `${OWNER}/any`, '--store', store, '--json'];
  const cache = join(rig.folder, 'cache');
  const { exitCode, stdout } = await runCommand([...args, '--cache', cache], { HOME: rig.folder });
  expect(exitCode).not.toBe(0);
  expect(JSON.parse(stdout).problem).toMatch(/HEAD/);
});
