import { createReadStream } from 'node:fs';
import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eachLink, hexLength, type ObjectFormat } from '../../git/index.ts';
import { initRepository } from '../../git-process/commands.ts';
import type { Git } from '../../git-process/git.ts';
import { readAllObjects } from '../../git-process/read-all-objects.ts';
import { failureReason } from '../../git-process/result.ts';
import { indexIntoScratch, listScratchObjects } from '../../git-process/scratch-commands.ts';
import { CairnError } from '../../lib/errors.ts';
import { writeChunk } from '../../lib/streams.ts';
import { CommitGraph } from './commit-graph.ts';

/** Where scratch repositories are made, and what runs in them. */
export interface ScratchPlace {
  readonly git: Git;
  /** An existing folder for files that are needed for a while. */
  readonly folder: string;
}

/** Longest commit that is read, in bytes. git has no limit; messages of this length are not written by people. */
const LONGEST_COMMIT = 64 * 2 ** 20;

/** A bare repository that holds fetched packs for a while, and is deleted with all that is in it. */
export class Scratch implements AsyncDisposable {
  readonly gitDir: string;
  private readonly git: Git;
  private readonly format: ObjectFormat;

  private constructor(git: Git, gitDir: string, format: ObjectFormat) {
    this.git = git;
    this.gitDir = gitDir;
    this.format = format;
  }

  /** @throws CairnError `unavailable` when git fails; what the file system throws */
  static async open({ git, folder }: ScratchPlace, format: ObjectFormat): Promise<Scratch> {
    const gitDir = await mkdtemp(join(folder, 'mirror-'));
    try {
      return await Scratch.at(git, gitDir, format);
    } catch (error) {
      await rm(gitDir, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Opens the one in a folder, or makes it: for work that goes on in another process. It stays if this fails.
   * @throws as {@link open}
   */
  static async at(git: Git, gitDir: string, format: ObjectFormat): Promise<Scratch> {
    const result = await git.brief(initRepository(gitDir, format));
    if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason('init', result));
    return new Scratch(git, gitDir, format);
  }

  /**
   * Keeps a pack.
   * @param objects number of objects that its header states
   * @throws CairnError `corrupt` when git does not take it; what reading it throws; the signal's reason
   */
  async index(pack: AsyncIterable<Buffer>, objects: number, signal: AbortSignal): Promise<void> {
    const running = this.git.start(indexIntoScratch(this.gitDir, objects), { signal });
    running.stdout.resume();
    running.stderr.resume();
    try {
      for await (const chunk of pack) if (!(await writeChunk(running.stdin, chunk))) break;
      running.stdin.end();
      const result = await running.ended;
      signal.throwIfAborted();
      if (result.exitCode !== 0) throw new CairnError('corrupt', failureReason('index-pack', result));
    } finally {
      running.stop();
      await running.ended;
    }
  }

  /** Lets `git upload-pack` send any object that is here, and parts of histories. */
  async serveAnything(): Promise<void> {
    await appendFile(
      join(this.gitDir, 'config'),
      '[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n',
    );
  }

  /** The commits that are here. @throws CairnError `unavailable` when git fails; the signal's reason */
  async commits(signal: AbortSignal): Promise<CommitGraph> {
    const { git, gitDir, format } = this;
    const graph = new CommitGraph(format);
    const ids = await this.commitIds(signal);
    const paths = { gitDir, objects: join(gitDir, 'objects') };
    const width = hexLength(format) / 2;
    await readAllObjects(
      { git, paths, maxSize: LONGEST_COMMIT, signal },
      eachId(ids, width),
      (oid, content, type) => {
        if (content === undefined || type !== 'commit') return;
        graph.add(oid, parentsIn(content, width));
      },
    );
    return graph;
  }

  /** The bytes of the packs that are here, one after another. There is one in general. */
  async packs(): Promise<(() => AsyncIterable<Buffer>)[]> {
    const folder = join(this.gitDir, 'objects/pack');
    const names = (await readdir(folder)).filter((name) => name.endsWith('.pack'));
    return names.map((name) => () => createReadStream(join(folder, name), { highWaterMark: 256 * 1024 }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.gitDir, { recursive: true, force: true });
  }

  /** Ids of all commits, one after another. */
  private async commitIds(signal: AbortSignal): Promise<Buffer> {
    const running = this.git.start(listScratchObjects(this.gitDir), { signal });
    running.stdin.end();
    running.stderr.resume();
    const width = hexLength(this.format) / 2;
    let ids = Buffer.allocUnsafe(width * 1024);
    let used = 0;
    let rest = '';
    try {
      for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
        const lines = (rest + chunk.toString('latin1')).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (!line.endsWith(' commit')) continue;
          if (used + width > ids.length) ids = Buffer.concat([ids, Buffer.allocUnsafe(ids.length)]);
          used += ids.write(line.slice(0, 2 * width), used, 'hex');
        }
      }
      const result = await running.ended;
      signal.throwIfAborted();
      if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason('cat-file', result));
      return ids.subarray(0, used);
    } finally {
      running.stop();
      running.stdout.destroy();
      await running.ended;
    }
  }
}

function* eachId(ids: Buffer, width: number): Generator<string, void> {
  for (let at = 0; at < ids.length; at += width) yield ids.toString('hex', at, at + width);
}

function parentsIn(content: Buffer, width: number): string[] {
  const parents: string[] = [];
  eachLink('commit', content, width, (type, bytes, at) => {
    if (type === 'commit') parents.push(bytes.toString('hex', at, at + width));
  });
  return parents;
}
