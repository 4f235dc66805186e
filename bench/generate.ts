import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from './git-client.ts';
import { SeededBytes, SeededNumbers } from './random.ts';

/**
 * Repositories of set sizes, the same object ids on every machine. Raise this when what is
 * generated changes: it names the folder they are kept in, so old ones are not used by mistake.
 */
export const generatorVersion = 1;

export type DatasetName = 'small' | 'medium' | 'midsize' | 'large' | 'hundred' | 'big';

/** A generated bare repository: one pack, HEAD on `main`. */
export interface Dataset {
  readonly name: DatasetName;
  readonly path: string;
  readonly objects: number;
}

/** A history of text files: `commits` on main, each changing three of `files` files. */
export interface HistoryShape {
  readonly seed: number;
  readonly files: number;
  readonly commits: number;
  /** Side branches of two commits each, spread evenly over main. */
  readonly branches: number;
  /** Annotated tags, spread evenly over main. */
  readonly tags: number;
  /** Characters of a file that every commit adds, and that hardly shrinks; 0 if absent. */
  readonly added?: number;
}

/** Files no compressor can shrink: `count` blobs of `bytes` each. */
export interface BlobShape {
  readonly seed: number;
  readonly count: number;
  readonly bytes: number;
}

const histories: Record<'small' | 'medium' | 'midsize' | 'large', HistoryShape> = {
  small: { seed: 1, files: 200, commits: 760, branches: 5, tags: 10 },
  medium: { seed: 2, files: 2_000, commits: 9_400, branches: 40, tags: 100 },
  /** Between the two: 200,000 objects, a pack of 74 MB. */
  midsize: { seed: 6, files: 3_000, commits: 14_280, branches: 60, tags: 200, added: 4_300 },
  /** About as large as git’s own history: 457,122 objects, a pack of 272 MB. */
  large: { seed: 5, files: 3_000, commits: 33_000, branches: 60, tags: 200, added: 9_000 },
};
const blobs: Record<'hundred' | 'big', BlobShape> = {
  /** 100 MiB. */
  hundred: { seed: 4, count: 100, bytes: 2 ** 20 },
  /** 1 GiB. */
  big: { seed: 3, count: 128, bytes: 8 * 2 ** 20 },
};

/**
 * The repository called `name`, generated on the first call and kept under `folder` for later runs.
 * It is made at `unfinished`, on the same file system, and moved when whole.
 * Text histories are repacked the way a server's owner would; those of random files are left as imported,
 * since looking for deltas in random bytes would take minutes and find none.
 */
export async function generate(folder: string, name: DatasetName, unfinished: string): Promise<Dataset> {
  const home = join(folder, `generated-${generatorVersion}`);
  const path = join(home, `${name}.git`);
  if (!existsSync(path)) {
    await mkdir(home, { recursive: true });
    if (name === 'big' || name === 'hundred') await importInto(unfinished, blobHistory(blobs[name]));
    else {
      await importInto(unfinished, textHistory(histories[name]));
      // One thread, so that the choice of deltas is the same on every run.
      await git(['-C', unfinished, '-c', 'pack.threads=1', 'repack', '-adFq']);
    }
    await git(['-C', unfinished, 'pack-refs', '--all']);
    await rename(unfinished, path);
  }
  const { stdout } = await git(['-C', path, 'count-objects', '-v']);
  return { name, path, objects: Number(/^in-pack: (\d+)$/m.exec(stdout)?.[1]) };
}

/** Makes a bare repository at `path` out of a `git fast-import` stream. */
export async function importInto(path: string, stream: Iterable<string | Buffer>): Promise<void> {
  await git(['init', '--quiet', '--bare', '--initial-branch=main', path]);
  // An unpack limit of 1 keeps even a tiny import in one pack. No deltas and no compression: texts are
  // repacked afterwards, and with random bytes both would only cost time.
  const settings = ['-c', 'fastimport.unpackLimit=1', '-c', 'core.compression=0'];
  await git(['-C', path, ...settings, 'fast-import', '--quiet', '--done', '--depth=0'], { input: stream });
}

/** A fast-import stream of a history of text files. */
export function* textHistory(shape: HistoryShape): Generator<string> {
  const numbers = new SeededNumbers(shape.seed);
  const words = Array.from({ length: 1_500 }, () => word(numbers));
  const line = () => Array.from({ length: 4 + numbers.below(6) }, () => pick(words, numbers)).join(' ');
  const contents = Array.from({ length: shape.files }, () =>
    Array.from({ length: 20 + numbers.below(80) }, line),
  );
  const noise = shape.added === undefined ? undefined : new SeededBytes(shape.seed);
  let branches = 0;
  let tags = 0;
  for (let commit = 1; commit <= shape.commits; commit++) {
    const changed = commit === 1 ? contents.map((_, file) => file) : threeOf(contents.length, numbers);
    if (commit > 1) for (const file of changed) edit(contents[file] ?? [], numbers, line);
    const entries = changed.map((file) => ({ path: pathOf(file), text: contents[file]?.join('\n') ?? '' }));
    if (noise !== undefined) {
      const text = noise.next(Math.ceil(((shape.added ?? 0) * 3) / 4)).toString('base64');
      entries.push({ path: `added/${commit % 64}/${commit}.txt`, text });
    }
    yield commitText('refs/heads/main', {
      mark: commit,
      at: commit,
      subject: `${commit}: ${line()}`,
      entries,
    });
    if (commit * shape.branches >= (branches + 1) * shape.commits) {
      branches++;
      const ref = `refs/heads/topic/${branches}`;
      yield `reset ${ref}\nfrom :${commit}\n\n`;
      for (const step of [1, 2]) {
        const entries = [{ path: `topics/${branches}-${step}.txt`, text: [line(), line()].join('\n') }];
        const mark = 1_000_000 + branches * 2 + step;
        yield commitText(ref, { mark, at: commit, subject: `topic ${branches}, step ${step}`, entries });
      }
    }
    if (commit * shape.tags >= (tags + 1) * shape.commits) {
      tags++;
      const message = `Version 0.${tags}\n`;
      yield `tag v0.${tags}\nfrom :${commit}\ntagger ${person(commit)}\n${data(message)}\n`;
    }
  }
  yield 'done\n';
}

/** A fast-import stream of random files, 16 a commit. One file is in memory at a time. */
export function* blobHistory(shape: BlobShape): Generator<string | Buffer> {
  const bytes = new SeededBytes(shape.seed);
  for (let first = 0; first < shape.count; first += 16) {
    const commit = first / 16 + 1;
    yield `commit refs/heads/main\ncommitter ${person(commit)}\n${data(`files from ${first}\n`)}\n`;
    for (let file = first; file < Math.min(first + 16, shape.count); file++) {
      yield `M 100644 inline blob-${file}.bin\ndata ${shape.bytes}\n`;
      yield bytes.next(shape.bytes);
      yield '\n';
    }
  }
  yield 'done\n';
}

function commitText(
  ref: string,
  commit: { mark: number; at: number; subject: string; entries: { path: string; text: string }[] },
): string {
  const files = commit.entries.map(({ path, text }) => `M 100644 inline ${path}\n${data(`${text}\n`)}\n`);
  return `commit ${ref}\nmark :${commit.mark}\ncommitter ${person(commit.at)}\n${data(`${commit.subject}\n`)}\n${files.join('')}\n`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

/** One author, ten minutes between commits. */
function person(step: number): string {
  return `Bench <bench@example.com> ${1_600_000_000 + step * 600} +0000`;
}

function pathOf(file: number): string {
  return `part-${file % 12}/group-${Math.floor(file / 12) % 14}/file-${file}.txt`;
}

/** Changes two lines that follow one another, as most edits do, and now and then adds one. */
function edit(lines: string[], numbers: SeededNumbers, line: () => string): void {
  const at = numbers.below(lines.length - 1);
  lines.splice(at, 2, line(), line());
  if (numbers.below(4) === 0) lines.push(line());
}

function threeOf(count: number, numbers: SeededNumbers): number[] {
  return [...new Set([numbers.below(count), numbers.below(count), numbers.below(count)])];
}

function word(numbers: SeededNumbers): string {
  const letters = 'etaoinshrdlucmfwypvbgkqjxz';
  return Array.from({ length: 3 + numbers.below(6) }, () => letters[numbers.below(26)]).join('');
}

function pick(words: readonly string[], numbers: SeededNumbers): string {
  return words[numbers.below(words.length)] ?? '';
}
