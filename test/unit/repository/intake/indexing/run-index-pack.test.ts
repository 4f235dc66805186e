import { EventEmitter, once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Git, RunningGit } from '../../../../../src/git-process/git.ts';
import type { GitResult } from '../../../../../src/git-process/result.ts';
import { systemClock } from '../../../../../src/lib/clock.ts';
import { runIndexPack } from '../../../../../src/repository/intake/indexing/run-index-pack.ts';
import { RequestBody } from '../../../../../src/transfer/request-body.ts';
import { PACK_BOUNDS } from '../../../../helpers/pack-bounds.ts';
import { treeHistory } from '../../../../helpers/packed-trees.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';
import { tempDir } from '../../../../helpers/temp-dir.ts';
import { RealRepository } from '../../../git/real-git.ts';

const GOOD: GitResult = { exitCode: 0, signal: null, cancelled: false, stderr: '' };

/** Writes a pack as index-pack does: the checksum at its end only when it is done. It is done when its threads have been released. */
class FakeIndexPack {
  released = false;

  private readonly objects: string;
  private readonly size: number;

  constructor(objects: string, size: number) {
    this.objects = objects;
    this.size = size;
  }

  start(): RunningGit {
    const file = createWriteStream(join(this.objects, 'pack', 'tmp_pack_1'));
    let left = this.size - 20;
    const stdin = new Writable({
      write: (bytes: Buffer, _encoding, done) => {
        file.write(bytes.subarray(0, left), done);
        left = Math.max(0, left - bytes.length);
      },
    });
    const over = new EventEmitter();
    const ended = once(over, 'end').then(([result]) => result as GitResult);
    const end = (result: GitResult) => over.emit('end', result);
    return {
      stdin,
      stdout: new PassThrough().end(),
      stderr: new PassThrough().end(),
      ended,
      stop: () => end({ ...GOOD, exitCode: 1 }),
      processorTime: () => 0,
      gatherThreads: async (release) => {
        if (release === undefined) end(GOOD);
        release?.addEventListener('abort', () => {
          this.released = true;
          file.end(() => end(GOOD));
        });
      },
    };
  }
}

describe('threads of git', () => {
  it.each([
    ['are released as soon as all trees are read, while git is at work', 100],
    ['are not released if git checks objects', Number.POSITIVE_INFINITY],
  ])('%s', async (_, plainFrom) => {
    await using folder = await tempDir();
    await mkdir(join(folder.path, 'pack'));
    using repository = new RealRepository();
    repository.git(['fast-import', '--quiet', '--done'], {
      input: treeHistory(new SeededRandom(1), 400, 40),
    });
    repository.git(['tag', 'v1', 'main']);
    repository.git(['repack', '-adfq']);
    const pack = repository.git(['pack-objects', '--all', '--stdout', '--delta-base-offset', '-q']);
    const objects = pack.readUInt32BE(8);
    expect(objects).toBeGreaterThan(1_000);
    const git = new FakeIndexPack(folder.path, pack.length);
    const paths = { gitDir: repository.path, objects: folder.path };
    const { begun, unchecked } = await runIndexPack(
      {
        git: { startFed: async () => git.start() } as unknown as Git,
        source: new RequestBody(
          (async function* () {
            yield pack;
          })(),
        ),
        paths: async () => paths,
        bounds: { ...PACK_BOUNDS, plainFrom },
        keepsFiles: false,
        clock: systemClock,
        onWorked: () => undefined,
        format: 'sha1',
        tips: [],
        isFirst: true,
        signal: new AbortController().signal,
      },
      paths,
      objects,
      undefined,
    );
    expect(git.released).toBe(plainFrom === 100);
    expect(unchecked).toBe(plainFrom === 100);
    if (!unchecked) return;
    const counts = repository
      .git(['cat-file', '--batch-all-objects', '--batch-check=%(objecttype)'])
      .toString();
    expect(begun?.count).toBe(counts.match(/tree/g)?.length);
    expect(begun?.commits?.count).toBe(counts.match(/commit/g)?.length);
  });
});
