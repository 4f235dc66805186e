import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { GitCommand } from '../../../../src/git-process/commands.ts';
import type { Git, RunningGit } from '../../../../src/git-process/git.ts';
import { runFittingUploadPack } from '../../../../src/transfer/fetch/fitting-upload-pack.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const packet = (payload: string) => `${(payload.length + 4).toString(16).padStart(4, '0')}${payload}`;
const band = (number: number, text: string) => packet(`${String.fromCharCode(number)}${text}`);

const HEAD = `${packet('acknowledgments\n')}${packet('ACK 1234\n')}${packet('ready\n')}0001${packet('packfile\n')}`;
const PROGRESS = `${band(2, 'Enumerating objects: 5, done.\n')}${band(1, '')}`;
const MEMORY = band(2, 'fatal: Out of memory, malloc failed (tried to allocate 700020 bytes)\n');
const ABORTED = band(3, 'aborting due to possible repository corruption on the remote side.\n');
const PACK = `${band(1, 'PACK of something')}${band(1, 'more of it')}0000`;

interface Run {
  readonly says: string;
  readonly exitCode: number;
  /** In one piece, as git writes its last packets. */
  readonly whole?: true;
}

/** A git that answers like this, one run after the other, in pieces of any size. */
function gitThat(random: SeededRandom, ...runs: Run[]) {
  const commands: GitCommand[] = [];
  const requests: string[] = [];
  const start = (command: GitCommand): RunningGit => {
    const { says, exitCode, whole } = runs[commands.length] ?? { says: '', exitCode: 1 };
    commands.push(command);
    const bytes = Buffer.from(says, 'latin1');
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = whole ? bytes.length : 1 + random.below(random.fraction() < 0.5 ? 7 : 200);
      pieces.push(bytes.subarray(at, at + length));
      at += length;
    }
    const stdin = new PassThrough();
    let request = '';
    stdin.on('data', (chunk: Buffer) => {
      request += chunk.toString();
    });
    stdin.on('end', () => requests.push(request));
    const stdout = Readable.from(pieces, { objectMode: false });
    const ended = new Promise<void>((resolve) => {
      stdout.once('close', () => setImmediate(resolve));
    }).then(() => ({ exitCode, signal: null, cancelled: false, stderr: '' }));
    const processorTime = () => undefined;
    const gatherThreads = async () => undefined;
    return {
      stdin,
      stdout,
      stderr: Readable.from([]),
      ended,
      stop: () => undefined,
      processorTime,
      gatherThreads,
    };
  };
  return { git: { start } as unknown as Git, commands, requests };
}

async function answer(random: SeededRandom, version: 0 | 2, ...runs: Run[]) {
  const { git, commands, requests } = gitThat(random, ...runs);
  const pieces: Buffer[] = [];
  const output = { write: async (chunk: Uint8Array) => pieces.push(Buffer.from(chunk)) > 0 };
  const run = { gitDir: '/nowhere', objects: 1, version, output, signal: new AbortController().signal };
  const ended = await runFittingUploadPack(git, run, [Buffer.from('a re'), Buffer.from('quest')]);
  const sparing = commands.map(({ config = [] }) => config.some(([key]) => key === 'pack.window'));
  return { ended, text: Buffer.concat(pieces).toString('latin1'), sparing, requests };
}

describe.each(Array.from({ length: 20 }, (_, seed) => seed))('a fetch (seed %i)', (seed) => {
  const random = new SeededRandom(seed);
  const v0 = `${packet('ACK 1234\n')}${packet('NAK\n')}`;

  it.each([
    [2, HEAD],
    [0, v0],
  ] as const)(
    'an answer that git cannot make within its memory is made with less, in version %i, and the client sees one answer (issue 11, point 5)',
    async (version, head) => {
      const { ended, text, sparing, requests } = await answer(
        random,
        version,
        { says: `${head}${PROGRESS}${MEMORY}${ABORTED}`, exitCode: 128 },
        { says: `${head}${PROGRESS}${PACK}`, exitCode: 0 },
      );
      expect(text).toBe(`${head}${PROGRESS}${PROGRESS}${PACK}`);
      expect(ended).toEqual({ end: 'whole' });
      expect(sparing).toEqual([false, true]);
      expect(requests).toEqual(['a request', 'a request']);
    },
  );

  it('an answer that fits is made once, as by git', async () => {
    const says = `${HEAD}${PROGRESS}${PACK}`;
    expect(await answer(random, 2, { says, exitCode: 0 })).toMatchObject({ text: says, sparing: [false] });
    const refused = packet('ERR upload-pack: not our ref');
    const { text, sparing } = await answer(random, 2, { says: refused, exitCode: 128 });
    expect(text.startsWith(refused)).toBe(true);
    expect(sparing).toEqual([false]);
    const bare = `${packet('NAK\n')}PACK without a side-band`;
    expect((await answer(random, 0, { says: bare, exitCode: 0 })).text).toBe(bare);
  });

  it('an answer whose pack has begun breaks off with the reason', async () => {
    const begun = `${HEAD}${band(1, 'PACK of something')}${MEMORY}`;
    const { text, sparing } = await answer(random, 2, { says: `${begun}${ABORTED}`, exitCode: 128 });
    const reason = 'git pack-objects needs more memory for this than it may have here (--git-memory)\n';
    expect(text).toBe(`${begun}${band(3, reason)}`);
    expect(sparing).toEqual([false]);
  });

  it('an answer that fits neither way is refused with the reason', async () => {
    const says = `${HEAD}${PROGRESS}${MEMORY}${ABORTED}`;
    const failed = { says, exitCode: 128, whole: true } as const;
    const { ended, text, sparing } = await answer(random, 2, failed, failed);
    expect(text).toContain('git pack-objects needs more memory');
    expect(text).not.toContain('corruption');
    expect(ended.end).toBe('refused');
    expect(sparing).toEqual([false, true]);
  });
});
