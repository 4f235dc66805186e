import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listGrown } from '../../../src/git-process/count-objects.ts';
import { Git } from '../../../src/git-process/git.ts';
import { GitClient } from '../../helpers/git-client.ts';
import { gitScript } from '../../helpers/git-script.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

const never = new AbortController().signal;
const limits = { signal: never, patience: never };

let folder: TempDir;
let work: GitClient;
let gitDir: string;
let git: Git;
let scripts = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-grown');
  work = await new GitClient(folder.path).init('work');
  gitDir = join(work.folder, '.git');
  git = new Git({ binary: 'git', home: folder.path });
  await work.commit('first', { a: '1\n' });
  await work.run(['branch', 'first']);
  await work.run(['branch', 'beside']);
  await work.commit('second', { a: '2\n' });
  await work.run(['tag', '-a', '-m', 'Tag', 'tag']);
  await work.run(['tag', '-a', '-m', 'Tag of a tag', 'nested', 'tag']);
  await work.run(['checkout', '--quiet', 'beside']);
  await work.commit('beside', { b: 'b\n' });
});

afterAll(() => folder[Symbol.asyncDispose]());

const ids = async (...names: string[]) => (await work.run(['rev-parse', ...names])).split('\n');

async function grown(wanted: readonly string[], wantedBefore: readonly string[]) {
  const question = { wanted: await ids(...wanted), wantedBefore: await ids(...wantedBefore) };
  return listGrown(git, gitDir, question, limits);
}

/** A `git` that is a shell script. */
async function scripted(script: string): Promise<Git> {
  const binary = await gitScript(join(folder.path, `git-${scripts++}`), script);
  return new Git({ binary, home: folder.path });
}

describe('newly reached objects', () => {
  it('are listed, with the earlier commits that they build on', async () => {
    expect(await grown(['main'], ['first'])).toEqual({
      objects: new Set(await ids('main', 'main^{tree}', 'main:a')),
      boundary: new Set(await ids('first')),
    });
    expect((await grown(['nested'], ['main']))?.objects).toEqual(new Set(await ids('nested', 'tag')));
  });

  it('do not build on unrelated commits, nor on commits that were tagged before', async () => {
    expect((await grown(['main'], ['beside']))?.boundary).toEqual(new Set(await ids('first')));
    expect((await grown(['beside'], ['tag']))?.boundary).toEqual(new Set(await ids('first')));
  });

  it('are unknown if one of them is missing', async () => {
    const tree = await work.run(['rev-parse', 'main^{tree}']);
    const header = `tree ${tree}\nparent ${'d'.repeat(40)}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n`;
    const orphan = await work.run(['hash-object', '-t', 'commit', '-w', '--stdin'], { input: header });
    expect(await listGrown(git, gitDir, { wanted: [orphan], wantedBefore: [] }, limits)).toBeUndefined();
  });

  it('are unknown if they are more than the limit', async () => {
    const printing = async (lines: number) => {
      const many = await scripted(`exec seq -f %040.0f ${lines}`);
      return listGrown(many, gitDir, { wanted: await ids('main'), wantedBefore: [] }, limits);
    };
    expect((await printing(20_000))?.objects.size).toBe(20_000);
    expect(await printing(20_001)).toBeUndefined();
  });

  it('are unknown if the time limit ends before git does', async () => {
    const slow = await scripted('exec sleep 600');
    const question = { wanted: await ids('main'), wantedBefore: [] };
    const patience = AbortSignal.timeout(50);
    expect(await listGrown(slow, gitDir, question, { signal: never, patience })).toBeUndefined();
    expect(slow.running).toBe(0);
  });
});
