/** Small histories by chance, and repositories that have parts of them: for runs of mirrors. */
import type { GitClient } from './git-client.ts';
import type { SeededRandom } from './seeded-random.ts';

export type Format = 'sha1' | 'sha256';

/** Objects that refs may point at, and which of the commits reach which. */
export interface Pool {
  /** Has all objects. */
  readonly repository: GitClient;
  readonly format: Format;
  readonly commits: readonly string[];
  /** Annotated tags, one of them of another tag, and a blob. */
  readonly others: readonly string[];
  /** True if the first commit is the second one, or one of its ancestors. */
  isAncestor(old: string, next: string): boolean;
}

/** Names that get in each other's way, and some that are unusual. */
const BRANCHES = [
  'main',
  'dev',
  'a',
  'a/b',
  'a/b/c',
  'b',
  'b/c',
  'x.y-z_1',
  'ünï/ça',
  'refs/heads/main',
  'HEAD',
  'tags',
  "it's",
  'a$b&c;d',
  '-dash',
  '@',
];
const TAGS = ['v1', 'v1/rc', 'v2', 'a', 'a/b', 'main', 'é'];
const OTHERS = [
  'refs/notes/commits',
  'refs/notes/commits/x',
  'refs/changes/01/1/1',
  'refs/changes/01/1',
  'refs/pull/1/head',
  'refs/remotes/origin/main',
  'refs/x/y',
];

/** Makes a pool with some commits, merges among them. */
export async function randomPool(
  user: GitClient,
  name: string,
  format: Format,
  random: SeededRandom,
): Promise<Pool> {
  const repository = await user.init(name, '--bare', `--object-format=${format}`);
  const count = 3 + random.below(10);
  const parents: number[][] = [];
  const lines: string[] = [];
  for (let at = 0; at < count; at++) {
    const wanted = at === 0 || random.below(8) === 0 ? 0 : random.below(4) === 0 ? 2 : 1;
    const chosen = new Set<number>();
    for (let each = 0; each < wanted; each++) chosen.add(Math.max(0, at - 1 - random.below(3)));
    parents.push([...chosen]);
    const content = random.hex(20 + random.below(random.below(5) === 0 ? 3_000 : 200));
    lines.push(`commit refs/pool/${at}`, `mark :${at + 1}`);
    lines.push(`committer A User <user@example.com> ${1_700_000_000 + random.below(1_000)} +0000`);
    lines.push(`data ${`Commit ${at}`.length}`, `Commit ${at}`);
    for (const [index, parent] of [...chosen].entries())
      lines.push(`${index === 0 ? 'from' : 'merge'} :${parent + 1}`);
    lines.push(`M 100644 inline file-${random.below(4)}`, `data ${content.length}`, content);
  }
  const tagger = 'tagger A User <user@example.com> 1700000000 +0000';
  for (const [index, of] of [1, count].entries())
    lines.push(`tag t${index}`, `mark :${count + 1 + index}`, `from :${of}`, tagger, 'data 3', 'one');
  lines.push('tag nested', `from :${count + 1}`, tagger, 'data 3', 'two');
  lines.push('done', '');
  await repository.run(['fast-import', '--quiet', '--done'], { input: lines.join('\n') });
  const ids = new Map(
    (await repository.run(['for-each-ref', '--format=%(refname) %(objectname)']))
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  const blob = await repository.run(['hash-object', '-w', '--stdin'], { input: 'blob' });
  const commits = parents.map((_, at) => ids.get(`refs/pool/${at}`) ?? '');
  const reached = parents.map(() => new Set<string>());
  for (const [at, own] of parents.entries()) {
    reached[at]?.add(commits[at] ?? '');
    for (const parent of own) for (const oid of reached[parent] ?? []) reached[at]?.add(oid);
  }
  return {
    repository,
    format,
    commits,
    others: [...['t0', 't1', 'nested'].map((tag) => ids.get(`refs/tags/${tag}`) ?? ''), blob],
    isAncestor: (old, next) => reached[commits.indexOf(next)]?.has(old) === true,
  };
}

/** Some refs that can be in one repository. */
export function randomRefs(pool: Pool, random: SeededRandom): Map<string, string> {
  const refs = new Map<string, string>();
  const add = (name: string, oid: string) => {
    if (![...refs.keys()].some((other) => isInTheWay(other, name))) refs.set(name, oid);
  };
  const some = (names: readonly string[], most: number) =>
    Array.from({ length: random.below(most + 1) }, () => random.pick(names));
  for (const name of some(BRANCHES, 6)) add(`refs/heads/${name}`, random.pick(pool.commits));
  const any = () => random.pick(random.below(2) === 0 ? pool.commits : pool.others);
  for (const name of some(TAGS, 4)) add(`refs/tags/${name}`, any());
  for (const name of some(OTHERS, 4))
    add(name, name.startsWith('refs/remotes/') ? (pool.commits[0] ?? '') : any());
  return refs;
}

/** Another repository's refs, some of them changed. */
export function variedRefs(
  refs: ReadonlyMap<string, string>,
  pool: Pool,
  random: SeededRandom,
): Map<string, string> {
  const varied = new Map<string, string>();
  const add = (name: string, oid: string) => {
    if (![...varied.keys()].some((other) => isInTheWay(other, name))) varied.set(name, oid);
  };
  for (const [name, oid] of refs) {
    const chance = random.below(10);
    if (chance < 3) continue;
    if (chance < 6) add(name, oid);
    else
      add(
        name,
        random.pick(name.startsWith('refs/heads/') ? pool.commits : [...pool.commits, ...pool.others]),
      );
  }
  for (const [name, oid] of randomRefs(pool, random))
    if (random.below(2) === 0 && !varied.has(name)) add(name, oid);
  return varied;
}

/** True if two refs cannot be there at once, because one is a folder of the other. */
export function isInTheWay(one: string, other: string): boolean {
  return one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

/** A bare repository with these refs, and nothing of the pool that they do not reach. */
export async function repositoryWith(
  user: GitClient,
  name: string,
  pool: Pool,
  refs: ReadonlyMap<string, string>,
): Promise<GitClient> {
  const repository = await user.init(name, '--bare', `--object-format=${pool.format}`);
  if (refs.size === 0) return repository;
  const lines = [...refs].map(([ref, oid]) => `+${oid}:${ref}\n`);
  await repository.run(
    ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--stdin', pool.repository.folder],
    {
      input: lines.join(''),
    },
  );
  return repository;
}

/** The refs of a repository, by name. */
export async function refMap(repository: GitClient): Promise<Map<string, string>> {
  const text = await repository.run(['for-each-ref', '--format=%(refname) %(objectname)']);
  const lines = text === '' ? [] : text.split('\n');
  return new Map(lines.map((line) => line.split(' ') as [string, string]));
}
