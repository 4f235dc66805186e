/** People who push to and clone one repository at the same time, through several servers, with the real git. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GitClient } from '../helpers/git-client.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';

/** A value that a ref was told to have; undefined: it was deleted. Times are of `performance.now()`. */
export interface Told {
  readonly to: string | undefined;
  readonly began: number;
  readonly ended: number;
  readonly answer: 'ok' | 'refused' | 'unknown';
}

/** Files of the repository are of so many lines, so that what is pushed are deltas against what is there. */
const LINES = 120;
const FILES = 6;

/** The first state: as many commits on `main` as asked for, for `git fast-import`. */
export function firstCommits(count: number): string {
  const commits = Array.from({ length: count }, (_, number) => [
    'commit refs/heads/main',
    `committer A User <user@example.com> ${1_700_000_000 + number * 60} +0000`,
    data(`Commit ${number}`),
    ...Array.from({ length: number === 0 ? FILES : 1 }, (_nothing, at) => [
      `M 644 inline file-${(number + at) % FILES}`,
      data(fileText((number + at) % FILES, number)),
    ]).flat(),
    '',
  ]);
  return commits.flat().join('\n');
}

function fileText(file: number, edit: number | string): string {
  const lines = Array.from({ length: LINES }, (_, line) => `File ${file} has a line ${line} like this one`);
  lines[(typeof edit === 'number' ? edit : edit.length) % LINES] = `Edited: ${edit}`;
  return lines.join('\n');
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

/**
 * What a push may be refused with, other than by a rule: what it built on had been dropped by a fold, or too many were
 * at it.
 */
const REFUSED =
  /objects it builds on were removed meanwhile|missing necessary objects|unresolved delta|busy, try again/;
const UNKNOWN = /may or may not have happened/;

export interface UserOptions {
  /** A folder for what users have; it need not exist. */
  readonly home: string;
  readonly number: number;
  /** Of the repository, on every server. */
  readonly urls: readonly string[];
  /** Milliseconds somebody thinks between two pushes, at most. */
  readonly pause: number;
  /** True when objects leave with the first fold behind the last ref that reached them. */
  readonly objectsLeave: boolean;
}

/** What one hears who asks for a ref that he was shown, and that is gone since, objects and all. */
const TOO_LATE = /not our ref/;

/** One who owns branches and tags, and changes one or two of them at a time. */
export class Pusher {
  /** Everything ever said about each ref, in order. */
  readonly told = new Map<string, Told[]>();
  /** Words of failures that nothing excuses. */
  readonly failures: string[] = [];
  private readonly name: string;
  private readonly git: GitClient;
  private readonly options: UserOptions;
  private readonly random: SeededRandom;
  /** Where its refs stand, as far as it was told. */
  private readonly refs = new Map<string, string>();
  private count = 0;

  private constructor(git: GitClient, options: UserOptions) {
    this.name = `p${options.number}`;
    this.git = git;
    this.options = options;
    this.random = new SeededRandom(options.number + 1);
  }

  static async start(options: UserOptions): Promise<Pusher> {
    const { home, number, urls } = options;
    await mkdir(home, { recursive: true });
    const user = new GitClient(home, ['gc.auto=0']);
    return new Pusher(await user.clone(urls[0] ?? '', `pusher-${number}`, '--bare'), options);
  }

  /** Pushes until it is told to stop, one push after another. */
  async push(until: () => boolean): Promise<void> {
    while (!until()) {
      const changes = await this.chooseChanges();
      await this.pushOnce(changes);
      await sleep(this.random.below(this.options.pause + 1));
    }
  }

  private async pushOnce(changes: ReadonlyMap<string, string | undefined>): Promise<void> {
    const url = this.random.pick(this.options.urls);
    const refspecs = [...changes].map(([ref, to]) => (to === undefined ? `:${ref}` : `+${to}:${ref}`));
    const began = performance.now();
    const { exitCode, stderr } = await this.git.try(['push', '--quiet', '--atomic', url, ...refspecs]);
    const ended = performance.now();
    let answer: Told['answer'] = 'ok';
    if (exitCode !== 0) answer = UNKNOWN.test(stderr) ? 'unknown' : 'refused';
    if (answer === 'refused' && !REFUSED.test(stderr)) this.failures.push(`${this.name}: ${stderr}`);
    for (const [ref, to] of changes) {
      this.told.set(ref, [...(this.told.get(ref) ?? []), { to, began, ended, answer }]);
      if (answer !== 'ok') continue;
      if (to === undefined) this.refs.delete(ref);
      else this.refs.set(ref, to);
    }
  }

  private async chooseChanges(): Promise<Map<string, string | undefined>> {
    const { random } = this;
    const branch = `refs/heads/${this.name}/${random.pick(['a', 'b', 'c'])}`;
    const current = this.refs.get(branch);
    const chance = random.fraction();
    if (current !== undefined && chance < 0.12) return new Map([[branch, undefined]]);
    const base = await this.chooseBase(current, chance);
    const commit = await this.commitOn(base);
    const changes = new Map<string, string | undefined>([[branch, commit]]);
    if (random.fraction() < 0.2) {
      const tag = `refs/tags/${this.name}-${random.below(6)}`;
      const deletes = this.refs.has(tag) && random.fraction() < 0.5;
      changes.set(tag, deletes ? undefined : await this.tag(commit));
    }
    return changes;
  }

  /** Goes on from where the branch stands, or from elsewhere (by force), or from what somebody else has pushed. */
  private async chooseBase(current: string | undefined, chance: number): Promise<string> {
    const { random, git } = this;
    if (chance < 0.25) {
      const refspec = `+refs/heads/*:refs/others/*`;
      const fetched = await git.try(['fetch', '--quiet', '--prune', random.pick(this.options.urls), refspec]);
      const tooLate = this.options.objectsLeave && TOO_LATE.test(fetched.stderr);
      if (fetched.exitCode !== 0 && !tooLate) this.failures.push(`${this.name} fetches: ${fetched.stderr}`);
      const others = await git.run(['for-each-ref', '--format=%(objectname)', 'refs/others/']);
      return random.pick(others.split('\n'));
    }
    if (current !== undefined && chance < 0.85) return current;
    return git.run(['rev-parse', `refs/heads/main~${random.below(10)}`]);
  }

  private async commitOn(base: string): Promise<string> {
    const number = this.count++;
    const text = `${this.name} ${number} ${'.'.repeat(this.random.below(LINES))}`;
    const file = this.random.below(FILES);
    const stream = [
      `commit refs/drafts/${number % 8}`,
      'mark :1',
      `committer A User <user@example.com> ${1_700_100_000 + number} +0000`,
      data(text),
      `from ${base}`,
      `M 644 inline file-${file}`,
      data(fileText(file, text)),
      'get-mark :1',
      '',
    ];
    return this.git.run(['fast-import', '--quiet', '--force'], { input: stream.join('\n') });
  }

  private tag(commit: string): Promise<string> {
    const tagger = 'tagger A User <user@example.com> 1700000000 +0000';
    const text = `object ${commit}\ntype commit\ntag ${this.name}-${this.count}\n${tagger}\n\nA tag\n`;
    return this.git.run(['mktag'], { input: text });
  }
}

/** What somebody got who asked for all refs. */
export interface Copy {
  readonly refs: ReadonlyMap<string, string>;
  readonly began: number;
  readonly ended: number;
}

const WAYS = [
  { name: 'whole', options: [] },
  { name: 'shallow', options: ['--depth=2', '--no-single-branch'] },
  { name: 'without blobs', options: ['--filter=blob:none'] },
  { name: 'without trees', options: ['--filter=tree:0'] },
] as const;

/** One who makes copies, all of them checked, and keeps one up to date. */
export class Cloner {
  readonly copies: Copy[] = [];
  readonly failures: string[] = [];
  /** How often a ref was gone, objects and all, between being shown and being asked for. */
  tooLate = 0;
  private readonly git: GitClient;
  private readonly options: UserOptions;
  private readonly random: SeededRandom;
  private kept: GitClient | undefined;
  private clones = 0;

  private constructor(git: GitClient, options: UserOptions) {
    this.git = git;
    this.options = options;
    this.random = new SeededRandom(options.number + 1000);
  }

  static async start(options: UserOptions): Promise<Cloner> {
    const home = join(options.home, `cloner-${options.number}`);
    await mkdir(home, { recursive: true });
    return new Cloner(new GitClient(home, ['transfer.fsckObjects=true', 'gc.auto=0']), options);
  }

  async copy(until: () => boolean): Promise<void> {
    while (!until()) {
      const { kept } = this;
      if (kept !== undefined && this.random.fraction() < 0.5) await this.update(kept);
      else await this.clone();
    }
  }

  private async clone(): Promise<void> {
    const way = this.random.pick(WAYS);
    const url = this.random.pick(this.options.urls);
    const name = `copy-${this.clones++}`;
    const began = performance.now();
    const made = await this.git.try(['clone', '--quiet', '--mirror', ...way.options, url, name]);
    const ended = performance.now();
    if (made.exitCode !== 0) return this.failed(way.name, made.stderr);
    const copy = this.git.at(name);
    await this.check(copy, way.name, began, ended);
    if (way.name === 'whole') this.kept = copy;
  }

  private async update(copy: GitClient): Promise<void> {
    const url = this.random.pick(this.options.urls);
    const began = performance.now();
    const got = await copy.try(['fetch', '--quiet', '--prune', url, '+refs/*:refs/*']);
    const ended = performance.now();
    if (got.exitCode !== 0) return this.failed('fetch', got.stderr);
    await this.check(copy, 'fetch', began, ended);
  }

  private failed(how: string, words: string): void {
    if (this.options.objectsLeave && TOO_LATE.test(words)) this.tooLate++;
    else this.failures.push(`${how}: ${words}`);
  }

  private async check(copy: GitClient, how: string, began: number, ended: number): Promise<void> {
    const checked = await copy.try(['fsck', '--full', '--strict', '--no-dangling', '--no-progress']);
    if (checked.exitCode !== 0 || checked.stdout !== '')
      this.failures.push(`fsck (${how}): ${checked.stdout}${checked.stderr}`);
    const refs = await copy.run(['for-each-ref', '--format=%(refname) %(objectname)']);
    const pairs = refs.split('\n').map((line): [string, string] => {
      const [name = '', oid = ''] = line.split(' ');
      return [name, oid];
    });
    this.copies.push({ refs: new Map(pairs), began, ended });
  }
}
