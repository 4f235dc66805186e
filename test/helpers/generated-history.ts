/** Histories of all shapes, each from a seed, in a repository that git reads: to hold answers against git's own. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectFormat } from '../../src/git/object-id.ts';
import { GitClient } from './git-client.ts';
import { ObjectGraph } from './object-graph.ts';
import { objectId } from './raw-git.ts';
import { SeededRandom } from './seeded-random.ts';

export interface HistoryShape {
  readonly seed: number;
  readonly commits: number;
  /** How often refs change, by a push each time. */
  readonly stages: number;
  /** How many of the last stages only add: nothing that was reachable before them is lost. */
  readonly calm?: number;
  /**
   * True: no file or folder ever becomes what it or another was before. A push then brings nothing that is there already;
   * else git, which does not look far back, sends such things again.
   */
  readonly unrepeated?: boolean;
  readonly format: ObjectFormat;
}

export interface GeneratedHistory {
  readonly shape: HistoryShape;
  /** A bare repository with the refs of the last stage, and the objects of all. */
  readonly repository: GitClient;
  readonly graph: ObjectGraph;
  /** The refs after each push. All objects of the repository are reachable from at least one. */
  readonly stages: readonly ReadonlyMap<string, string>[];
}

/** When the first commit is dated, in seconds: 2024-01-01. */
const FIRST = Date.UTC(2024, 0, 1) / 1000;
const HOUR = 3600;

const WORDS = 'pack refs tree blob delta want have shallow deepen filter bucket pointer manifest fold'.split(
  ' ',
);
const FOLDERS = ['', 'src/', 'src/deep/er/and/deep/er/', 'docs/', 'docs/how-to/', 'a/b/c/d/e/f/g/'] as const;

/**
 * Makes a history in a new bare repository in a folder: merges of two and three, several roots, skewed dates, files that
 * return to what they were, submodules, links, annotated and lightweight tags of commits, trees, blobs and tags, refs
 * that are neither branches nor tags; and the states its refs go through, by fast-forwards, force-pushes and deletions.
 */
export async function generateHistory(folder: string, shape: HistoryShape): Promise<GeneratedHistory> {
  const random = new SeededRandom(shape.seed);
  const gitDir = join(folder, `history-${shape.seed}.git`);
  await mkdir(gitDir, { recursive: true });
  const repository = new GitClient(gitDir);
  await repository.run([
    'init',
    '--quiet',
    '--bare',
    '--initial-branch=main',
    `--object-format=${shape.format}`,
  ]);
  const { stream, childless } = commitStream(random, shape);
  const marks = join(gitDir, 'marks');
  await repository.run(['fast-import', '--quiet', `--export-marks=${marks}`], { input: stream });
  const commits = commitIds(await readFile(marks, 'latin1'), shape.commits);
  const tags = await writeTags(
    random,
    repository,
    await ObjectGraph.read(gitDir, shape.format),
    commits,
    shape.format,
  );
  const tips = childless.map((number) => commits[number] ?? '');
  const stages = planStages(random, shape, { commits, tips, tags });
  await setRefs(repository, stages.at(-1) ?? new Map());
  const graph = await ObjectGraph.read(gitDir, shape.format);
  const pushed = graph.closure(stages.flatMap((refs) => [...refs.values()]));
  if (pushed.size !== graph.objects.size) throw new Error('there are objects that no push will bring');
  return { shape, repository, graph, stages };
}

interface ImportedFile {
  readonly path: string;
  readonly mode: '100644' | '100755' | '120000';
  readonly lines: readonly string[];
}

/** What `git fast-import` reads, and the numbers of the commits that no other has as a parent. */
function commitStream(random: SeededRandom, { commits, format, unrepeated = false }: HistoryShape) {
  const gitlink = random.hex(format === 'sha1' ? 20 : 32);
  const files: Map<string, ImportedFile>[] = [];
  const parts: string[] = [];
  const childless = new Set<number>();
  for (let number = 0; number < commits; number++) {
    const parents = chooseParents(random, number);
    for (const parent of parents) childless.delete(parent);
    childless.add(number);
    const [first] = parents;
    const tree = new Map(first === undefined ? [] : files[first]);
    const changes = random.fraction() < 0.05 ? [] : changeFiles(random, tree, unrepeated ? undefined : files);
    if (random.fraction() < 0.1) changes.push(`M 160000 ${gitlink} module-${random.below(2)}`);
    files.push(tree);
    const skew = random.fraction() < 0.08 ? -random.below(50) * HOUR : 0;
    parts.push(
      `commit refs/import/${number}`,
      `mark :${number + 1}`,
      `committer A User <user@example.com> ${FIRST + number * HOUR + skew} +0100`,
      data(`${random.pick(WORDS)} ${number}\n`),
      ...parents.map((parent, at) => `${at === 0 ? 'from' : 'merge'} :${parent + 1}`),
      ...changes,
      '',
    );
  }
  // The commits alone are wanted: refs come from the stages.
  for (let number = 0; number < commits; number++) {
    parts.push(`reset refs/import/${number}`, `from ${'0'.repeat(format === 'sha1' ? 40 : 64)}`, '');
  }
  return { stream: parts.join('\n'), childless: [...childless] };
}

/** Mostly the commit before, else one of the last few; merges; now and then a new root. */
function chooseParents(random: SeededRandom, number: number): number[] {
  if (number === 0 || random.fraction() < 0.03) return [];
  const recent = () => Math.max(0, number - 1 - (random.fraction() < 0.6 ? 0 : random.below(8)));
  const parents = new Set([recent()]);
  const more = random.fraction() < 0.2 ? 1 + random.below(2) : 0;
  for (let count = 0; count < more; count++) parents.add(random.below(number));
  return [...parents];
}

/** @param earlier what files may be again; undefined when nothing repeats */
function changeFiles(
  random: SeededRandom,
  tree: Map<string, ImportedFile>,
  earlier: readonly ReadonlyMap<string, ImportedFile>[] | undefined,
): string[] {
  // By path: what a file was for a moment within one commit would be in no tree.
  const changes = new Map<string, string[]>();
  for (let count = 1 + random.below(3); count > 0; count--) {
    const chance = random.fraction();
    const known = [...tree.values()];
    const old = earlier === undefined || earlier.length === 0 ? [] : [...random.pick(earlier).values()];
    if (chance < 0.1 && known.length > 1 && earlier !== undefined) {
      const { path } = random.pick(known);
      tree.delete(path);
      changes.set(path, [`D ${path}`]);
      continue;
    }
    let file: ImportedFile;
    if (chance < 0.25 && old.length > 0) file = random.pick(old);
    else if (chance < 0.6 && known.length > 0) file = editFile(random, random.pick(known));
    else file = newFile(random, earlier === undefined);
    tree.set(file.path, file);
    changes.set(file.path, [`M ${file.mode} inline ${file.path}`, data(file.lines.join('\n'))]);
  }
  return [...changes.values()].flat();
}

function newFile(random: SeededRandom, unique: boolean): ImportedFile {
  const path = `${random.pick(FOLDERS)}${random.pick(WORDS)}-${random.below(4)}`;
  const chance = unique ? 0.12 + 0.88 * random.fraction() : random.fraction();
  if (chance < 0.06) return { path, mode: '120000', lines: [`../${random.pick(WORDS)}`] };
  if (chance < 0.12) return { path, mode: '100644', lines: [] };
  // Longer than a side-band packet, and nothing that deflates.
  if (chance < 0.14)
    return { path, mode: '100644', lines: Array.from({ length: 40 }, () => random.hex(1000)) };
  const lines = Array.from({ length: 1 + random.below(60) }, () => sentence(random));
  return { path, mode: chance < 0.2 ? '100755' : '100644', lines };
}

function editFile(random: SeededRandom, file: ImportedFile): ImportedFile {
  const at = random.below(file.lines.length + 1);
  const lines = [...file.lines.slice(0, at), sentence(random), ...file.lines.slice(at + random.below(2))];
  return { ...file, mode: file.mode === '120000' ? '100644' : file.mode, lines };
}

function sentence(random: SeededRandom): string {
  return Array.from({ length: 8 }, () => random.pick(WORDS)).join(' ') + random.below(1000);
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

function commitIds(marks: string, count: number): string[] {
  const ids = new Map([...marks.matchAll(/^:(\d+) (\S+)$/gm)].map(([, mark, oid]) => [Number(mark), oid]));
  return Array.from({ length: count }, (_, number) => ids.get(number + 1) ?? '');
}

/** Writes tags of everything there is, tags of tags included. Returns tag objects and other things to call a tag. */
async function writeTags(
  random: SeededRandom,
  repository: GitClient,
  graph: ObjectGraph,
  commits: readonly string[],
  format: ObjectFormat,
): Promise<string[]> {
  const made: { readonly oid: string; readonly content: Buffer }[] = [];
  const tag = (oid: string, type: string): string => {
    const lines = [`object ${oid}`, `type ${type}`, `tag t${made.length}`];
    const tagger = `tagger A User <user@example.com> ${FIRST + made.length} +0000`;
    const content = Buffer.from(`${[...lines, tagger].join('\n')}\n\n${random.pick(WORDS)}\n`);
    made.push({ oid: objectId({ type: 'tag', content }, format), content });
    return made.at(-1)?.oid ?? '';
  };
  for (let count = 0; count < 4; count++) tag(random.pick(commits), 'commit');
  const [tree, blob] = [random.pick(graph.ids('tree')), random.pick(graph.ids('blob'))];
  tag(tree, 'tree');
  tag(blob, 'blob');
  tag(tag(tag(random.pick(commits), 'commit'), 'tag'), 'tag');
  tag(tag(random.pick(graph.ids('blob')), 'blob'), 'tag');
  const paths = made.map((_, at) => join(repository.folder, `tag-${at}`));
  await Promise.all(made.map(({ content }, at) => writeFile(paths[at] ?? '', content)));
  await repository.run(['hash-object', '-w', '-t', 'tag', '--stdin-paths'], { input: paths.join('\n') });
  return [...made.map(({ oid }) => oid), tree, blob, random.pick(commits), random.pick(commits)];
}

/** Which refs there are after each push: each is born, perhaps moves, and perhaps dies. */
function planStages(
  random: SeededRandom,
  { stages: count, calm = 0, unrepeated = false }: HistoryShape,
  things: {
    readonly commits: readonly string[];
    readonly tips: readonly string[];
    readonly tags: readonly string[];
  },
): Map<string, string>[] {
  const { commits, tips, tags } = things;
  const stages = Array.from({ length: count }, () => new Map<string, string>());
  const live = (name: string, value: () => string, first?: string, latest = count) => {
    const born = random.below(latest);
    const chosen = random.fraction() < 0.3 ? born + 1 + random.below(count) : count;
    const dies = chosen < count - calm ? chosen : count;
    let current = first ?? value();
    for (let stage = born; stage < dies; stage++) {
      if (stage > born && stage < count - calm && random.fraction() < 0.3) current = value();
      stages[stage]?.set(name, current);
    }
  };
  const mainAt = (stage: number) => commits[Math.ceil(((stage + 1) * commits.length) / count) - 1] ?? '';
  for (const [stage, refs] of stages.entries()) {
    refs.set('refs/heads/main', mainAt(stage));
    // It may be no ancestor of the next.
    for (let before = Math.max(count - calm, 1); before <= stage; before++) {
      refs.set(`refs/heads/was-main-${before}`, mainAt(before - 1));
    }
  }
  const commit = () => random.pick(commits);
  for (const [at, tip] of tips.entries()) live(`refs/heads/tip-${at}`, commit, tip);
  for (let number = 0; number < 5; number++) live(`refs/heads/topic/${random.pick(WORDS)}-${number}`, commit);
  // A late tag of a tree or a blob would bring it again.
  const latest = unrepeated ? count - calm : count;
  for (const [at, oid] of tags.entries()) {
    live(`refs/tags/${random.pick(['v', 'release/'])}${at}`, () => random.pick(tags), oid, latest);
  }
  live('refs/notes/commits', commit);
  live(`refs/nostr/${random.hex(32)}`, commit);
  live('refs/changes/01/1/head', commit);
  live('refs/keep/tag', () => random.pick(tags), undefined, latest);
  return stages;
}

/** Makes the refs of a repository exactly these. */
async function setRefs(repository: GitClient, refs: ReadonlyMap<string, string>): Promise<void> {
  const lines = [...refs].map(([name, oid]) => `create ${name} ${oid}\n`);
  await repository.run(['update-ref', '--stdin'], { input: lines.join('') });
  await repository.run(['pack-refs', '--all']);
}

/** What a `git push` is told, so that the refs go from one stage to the next. */
export function refspecs(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const deleted = [...before.keys()].filter((name) => !after.has(name)).map((name) => `:${name}`);
  const set = [...after]
    .filter(([name, oid]) => before.get(name) !== oid)
    .map(([name, oid]) => `+${oid}:${name}`);
  return [...deleted, ...set];
}
