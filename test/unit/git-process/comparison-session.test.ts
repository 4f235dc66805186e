import { afterEach, beforeEach, expect, it } from 'vitest';
import { ComparisonSession } from '../../../src/git-process/comparison-session.ts';
import { Git } from '../../../src/git-process/git.ts';
import { GitClient } from '../../helpers/git-client.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

const NEVER = new AbortController().signal;
const BOUNDS = { bytes: 1_000_000, milliseconds: 60_000 };

let folder: TempDir;
let git: Git;
let session: ComparisonSession;
let client: GitClient;
let started = 0;

beforeEach(async () => {
  folder = await tempDir();
  client = await new GitClient(folder.path).init('r');
  started = 0;
  const observer = { started: () => void started++, ended: () => undefined };
  git = new Git({ binary: 'git', home: folder.path, observer });
  session = new ComparisonSession(git, `${client.folder}/.git`);
});
afterEach(async () => {
  await session.close();
  expect(git.running).toBe(0);
  await git.close();
  await folder[Symbol.asyncDispose]();
});

/** A tree with one file. */
async function tree(content: string): Promise<string> {
  const blob = await client.run(['hash-object', '-w', '--stdin'], { input: content });
  return client.run(['mktree'], { input: `100644 blob ${blob}\tfile\n` });
}

async function compare(from: string, to: string, bounds = BOUNDS): Promise<string | undefined> {
  return (await session.compare(from, to, bounds, NEVER))?.toString();
}

it('leaves the first comparison to another process, and makes all later ones with one process', async () => {
  const [one, two] = [await tree('1\n'), await tree('2\n')];
  expect(await compare(one, two)).toBeUndefined();
  expect(started).toBe(0);
  for (let at = 0; at < 3; at++) {
    const answer = await compare(one, two);
    expect(answer?.startsWith(`${one} ${two}\n:100644 100644`)).toBe(true);
    expect(answer?.endsWith('@@ -1 +1 @@\n-1\n+2\n')).toBe(true);
    expect(await compare(one, one)).toBe(`${one} ${one}\n`);
  }
  expect(started).toBe(1);
});

it('gives no answer during another comparison, beyond its bounds, and for missing objects; then it continues', async () => {
  const [one, two, large] = [await tree('1\n'), await tree('2\n'), await tree('many lines\n'.repeat(20_000))];
  await compare(one, two);
  const [first, second] = await Promise.all([compare(one, two), compare(two, one)]);
  expect(first).toContain('+2');
  expect(second).toBeUndefined();
  expect(await compare(one, large, { ...BOUNDS, bytes: 1_000 })).toBeUndefined();
  expect(await compare(one, two)).toContain('+2');
  expect(await compare(one, large, { ...BOUNDS, milliseconds: 0 })).toBeUndefined();
  expect(await compare(one, two)).toContain('+2');
  // git says so, or ends.
  expect((await compare(one, 'f'.repeat(40))) ?? '').not.toContain('+2');
  expect(await compare(one, large)).toContain('+many lines');
  const gone = new AbortController();
  const leaving = session.compare(one, two, BOUNDS, gone.signal);
  gone.abort();
  expect(await leaving).toBeUndefined();
  expect(await compare(one, two)).toContain('+2');
});
