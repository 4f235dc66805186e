/**
 * A batched seeding that is interrupted at random points: its process is killed, or its network is cut. `CAIRN_TEST_INTERRUPTIONS=50`
 * for more of them, `CAIRN_TEST_SEED` for those of an earlier run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type GeneratedHistory, generateHistory } from '../helpers/generated-history.ts';
import { GitClient } from '../helpers/git-client.ts';
import { type GitHttpHost, startGitHttpHost } from '../helpers/git-http-host.ts';
import { type LimitingFront, startLimitingFront } from '../helpers/limiting-front.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { MAIN } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';
import { testSeed } from '../helpers/test-seed.ts';

const INTERRUPTIONS = Number(process.env['CAIRN_TEST_INTERRUPTIONS'] ?? 6);
const SEED = testSeed();
/** Interruptions of one seeding, before it is left alone. */
const EACH = 3;
const LIMIT = 45_000;

let temp: TempDir;
let git: GitClient;
let host: GitHttpHost;
let history: GeneratedHistory;

beforeAll(async () => {
  temp = await tempDir();
  git = new GitClient(temp.path);
  history = await generateHistory(temp.path, { seed: 13, commits: 60, stages: 2, format: 'sha1' });
  await history.repository.run(['config', 'uploadpack.allowFilter', 'true']);
  host = await startGitHttpHost(temp.path);
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

interface Ended {
  readonly exitCode: number | null;
  readonly words: string;
}

/** Runs the command, and kills it or cuts its network once so many bytes of pushes went by. */
async function mirror(
  front: LimitingFront,
  name: string,
  interruption?: { readonly bytes: number; readonly kills: boolean },
): Promise<Ended> {
  const limit = ['--target-max-pack-bytes', String(LIMIT)];
  const child = spawn(
    process.execPath,
    [MAIN, 'mirror', 'sync', history.repository.folder, `${front.url}/${name}`, '--all-refs', ...limit],
    {
      env: { PATH: process.env['PATH'], HOME: temp.path, TMPDIR: temp.path },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      words += data.toString('utf8');
    });
  }
  if (interruption !== undefined) {
    const before = front.pushed.reduce((sum, bytes) => sum + bytes, 0);
    front.rules.onPushed = (bytes) => {
      const sum = front.pushed.reduce((all, one) => all + one, 0) - before + bytes;
      if (sum < interruption.bytes) return false;
      if (interruption.kills) child.kill('SIGKILL');
      front.isDown = true;
      return !interruption.kills;
    };
  }
  const [exitCode] = (await once(child, 'close')) as [number | null];
  front.rules.onPushed = undefined;
  front.isDown = false;
  return { exitCode, words };
}

it(
  `a seeding ends with the target equal to the source, without temporary refs (${INTERRUPTIONS} interruptions, seed ${SEED})`,
  async () => {
    const random = new SeededRandom(SEED);
    let left = INTERRUPTIONS;
    for (let number = 1; left > 0; number++) {
      const name = `target-${number}.git`;
      await git.init(name, '--bare');
      const front = await startLimitingFront(host.url, { limit: LIMIT, style: '413' });
      try {
        const story: string[] = [];
        for (let each = 0; each < EACH && left > 0; each++) {
          const interruption = { bytes: random.below(40_000), kills: random.fraction() < 0.5 };
          const { exitCode, words } = await mirror(front, name, interruption);
          story.push(`${JSON.stringify(interruption)} ended with ${exitCode}: ${words}`);
          left -= 1;
          // It was over before the interruption.
          if (exitCode === 0) break;
        }
        const last = await mirror(front, name);
        const told = `seed ${SEED}, target ${number}\n${story.join('\n')}\nat last: ${last.words}`;
        expect(last.exitCode, told).toBe(0);
        const format = ['for-each-ref', '--format=%(objectname) %(refname)'];
        const [target, source] = [git.at(name), history.repository];
        expect(await target.run(format), told).toBe(await source.run(format));
        await target.run(['fsck', '--strict', '--no-dangling']);
      } finally {
        await front[Symbol.asyncDispose]();
      }
    }
  },
  120_000 + INTERRUPTIONS * 60_000,
);
