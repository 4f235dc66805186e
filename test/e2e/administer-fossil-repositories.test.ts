/** What operators do with Fossil repositories by `cairn repo` and `cairn fold`, without a server. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openFileStore } from '../../src/object-store/file/open-file-store.ts';
import { formatRepositoryId } from '../../src/repository/repository-id.ts';
import { runCommand } from '../helpers/command.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { delta, FOSSIL_ID, FossilRig, lines, whole } from '../helpers/fossil-rig.ts';
import type { CommandResult } from '../helpers/git-client.ts';
import { OWNER } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const NAME = `${OWNER}/project`;
const CODE = 'c'.repeat(40);

function cairn(folder: string, ...args: string[]): Promise<CommandResult> {
  return runCommand([...args, '--store', `file:${folder}/data`], { HOME: folder });
}

it('are created, listed, shown, followed and folded beside git repositories', async () => {
  await using folder = await tempDir();
  const at = (...args: string[]) => cairn(folder.path, ...args);
  expect(await at('repo', 'create', NAME, '--fossil', '--project-code', CODE)).toMatchObject({
    exitCode: 0,
    stdout: `created ${NAME}\nfossil URL path: /fossil/${OWNER}/project\n`,
  });
  expect(await at('repo', 'create', `${OWNER}/of-git`)).toMatchObject({ exitCode: 0 });
  const list = await at('repo', 'list', '--json');
  const lines = list.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(lines).toEqual([
    expect.objectContaining({ identifier: 'of-git', objectFormat: 'sha1' }),
    { owner: OWNER, identifier: 'project', vcs: 'fossil', state: 'live', artifacts: 0, packs: 0 },
  ]);
  expect((await at('repo', 'show', NAME)).stdout).toContain(`project     ${CODE}`);
  const shown = JSON.parse((await at('repo', 'show', NAME, '--json')).stdout) as { manifest: object };
  expect(shown.manifest).toMatchObject({ kind: 'fossil', state: 'live', projectCode: CODE });
  expect((await at('repo', 'log', NAME)).stdout).toMatch(
    /^ +0 {2}[0-9a-f]{12} {2}\S+ {2}configure 0 artifacts$/m,
  );
  expect(await at('fold', NAME)).toMatchObject({ exitCode: 0, stdout: 'nothing to do\n' });
});

it('shun artifacts, shun them no more, and list them', async () => {
  await using folder = await tempDir();
  const opened = await openFileStore(join(folder.path, 'data'), { onOwned: 'refuse' });
  const rig = new FossilRig({ store: new FaultyStore(opened.store) });
  await rig.create();
  const [one, two] = [whole(lines(0, 100)), whole(lines(1, 100))];
  await rig.push([one, two]);
  await opened.close();
  const name = formatRepositoryId(FOSSIL_ID);
  const at = (...args: string[]) => cairn(folder.path, 'fossil', 'shun', name, ...args);
  expect(await at(one.name, 'f'.repeat(40))).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/ shuns 2 artifacts\n$/),
  });
  expect((await at()).stdout).toBe(`${[one.name, 'f'.repeat(40)].sort().join('\n')}\n`);
  const shown = await cairn(folder.path, 'repo', 'show', name);
  expect(shown.stdout).toMatch(/^artifacts {3}1$/m);
  expect(shown.stdout).toMatch(/^shunned {5}2$/m);
  expect(JSON.parse((await at('--undo', '--json', one.name)).stdout)).toMatchObject({
    shunned: ['f'.repeat(40)],
  });
  expect((await cairn(folder.path, 'repo', 'show', name)).stdout).toMatch(/^artifacts {3}2$/m);
  const short = await at(two.name.slice(0, 10));
  expect([short.exitCode, short.stderr]).toEqual([expect.any(Number), expect.stringContaining('whole name')]);
  expect(short.exitCode).not.toBe(0);
});

it('are verified: every artifact is made again, and a damaged one is named', async () => {
  await using folder = await tempDir();
  const data = join(folder.path, 'data');
  const opened = await openFileStore(data, { onOwned: 'refuse' });
  const rig = new FossilRig({ store: new FaultyStore(opened.store) });
  await rig.create();
  const [one, two] = [whole(lines(0, 100)), whole(lines(1, 100))];
  await rig.push([one, delta(one, two)]);
  const name = formatRepositoryId(FOSSIL_ID);
  const key = rig.store.log.find((request) => request.key.endsWith('.bag'))?.key ?? '';
  const pack = await rig.store.get(key);
  if (!pack.found) throw new Error('there is no pack');
  const bytes = Buffer.concat(await pack.body.toArray());
  await opened.close();
  expect(await cairn(folder.path, 'fossil', 'verify', name)).toMatchObject({
    exitCode: 0,
    stdout: '2 artifacts, 0 unversioned files, 0 problems\n',
  });
  const again = await openFileStore(data, { onOwned: 'refuse' });
  bytes.writeUInt8((bytes.at(10) ?? 0) ^ 1, 10);
  await again.store.put(key, bytes, { mode: 'overwrite' });
  await again.close();
  const damaged = await cairn(folder.path, 'fossil', 'verify', name, '--json');
  expect(damaged.exitCode).toBe(1);
  expect(JSON.parse(damaged.stdout)).toMatchObject({
    artifacts: 2,
    problems: [
      { name: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { problem: expect.stringContaining('bag') },
    ],
  });
  expect(damaged.stderr).toContain('2 problems');
  expect((await cairn(folder.path, 'fossil', 'verify', `${OWNER}/nothing`)).stderr).toContain('there is no');
});

it('report what is wrong', async () => {
  await using folder = await tempDir();
  const problem = async (...args: string[]) => {
    const { exitCode, stderr } = await cairn(folder.path, ...args);
    expect(exitCode).toBe(1);
    return stderr;
  };
  await cairn(folder.path, 'repo', 'create', NAME, '--fossil');
  await cairn(folder.path, 'repo', 'create', `${OWNER}/of-git`);
  expect(await problem('repo', 'create', NAME, '--fossil')).toContain(
    'there is a repository of this name already',
  );
  expect(await problem('repo', 'create', NAME)).toContain('this is a repository of fossil, not of git');
  expect(await problem('repo', 'create', `${OWNER}/of-git`, '--fossil')).toContain('of git, not of fossil');
  expect(await problem('repo', 'create', `${OWNER}/x`, '--fossil', '--project-code', 'x')).toContain(
    '40 hex digits',
  );
  expect(await problem('repo', 'create', `${OWNER}/x`, '--project-code', CODE)).toContain(
    'only for repositories of Fossil',
  );
  expect(await problem('repo', 'restore', NAME, '0')).toContain('of fossil, not of git');
  expect(await problem('repo', 'set-head', NAME, 'main')).toContain('of fossil, not of git');
});
