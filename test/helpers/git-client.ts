import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { writeEmptyRepository } from './empty-repository.ts';
import { looseRef } from './loose-ref.ts';

/** How a command ended; an exit code is a result. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The settings of a user of git, for `GIT_CONFIG_GLOBAL`: what only costs time in tests is left out. */
export const USER_SETTINGS = fileURLToPath(new URL('./user.gitconfig', import.meta.url));

/** Where a repository has tables of commits or packs, and the objects of another one that may have some. */
const TABLES = ['info/commit-graph', 'info/commit-graphs', 'pack/multi-pack-index', 'info/alternates'];

/** What spares `git fsck` the start of two processes that check tables. */
const NO_TABLES = ['-c', 'core.commitGraph=false', '-c', 'core.multiPackIndex=false'];

/** @param folder a working tree, or a bare repository */
function hasNoTables(folder: string): boolean {
  return ['.git', '.'].every((top) =>
    TABLES.every((name) => !existsSync(join(folder, top, 'objects', name))),
  );
}

/** The real git, as a user with an empty home would run it, with {@link USER_SETTINGS}. */
export class GitClient {
  readonly folder: string;
  private readonly settings: readonly string[];

  /** @param settings more `-c key=value` for every command, for example `protocol.version=1` */
  constructor(folder: string, settings: readonly string[] = []) {
    this.folder = folder;
    this.settings = settings.flatMap((setting) => ['-c', setting]);
  }

  /** The same user with further settings. */
  with(...settings: string[]): GitClient {
    return new GitClient(this.folder, [...this.settings.filter((word) => word !== '-c'), ...settings]);
  }

  /** Runs git and returns how it ended, whatever the exit code. */
  async try(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    const settings = args[0] === 'fsck' && hasNoTables(options.cwd ?? this.folder) ? NO_TABLES : [];
    return run('git', [...this.settings, ...settings, ...args], {
      cwd: this.folder,
      ...options,
      env: { ...this.environment(), ...options.env },
    });
  }

  /** Runs git, throws with its words when it fails, and returns its standard output without the last newline. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const result = await this.try(args, options);
    if (result.exitCode !== 0) {
      throw new Error(
        `git ${args.join(' ')} ended with ${result.exitCode}:\n${result.stderr}${result.stdout}`,
      );
    }
    return result.stdout.replace(/\n$/, '');
  }

  /** Makes a repository in a new subfolder and returns a client that works in it. */
  async init(name: string, ...options: string[]): Promise<GitClient> {
    if (!writeEmptyRepository(join(this.folder, name), options)) {
      await mkdir(join(this.folder, name), { recursive: true });
      await this.run(['init', '--quiet', '--initial-branch=main', ...options, name]);
    }
    return this.at(name);
  }

  /** Names a remote, as `git remote add` does. */
  async addRemote(url: string, name = 'origin'): Promise<void> {
    const quoted = url.replace(/[\\"]/g, '\\$&');
    const lines = [
      `[remote "${name}"]`,
      `\turl = "${quoted}"`,
      `\tfetch = +refs/heads/*:refs/remotes/${name}/*`,
    ];
    await appendFile(join(this.folder, '.git', 'config'), `${lines.join('\n')}\n`);
  }

  /** Clones into a new subfolder and returns a client that works in it. */
  async clone(url: string, name: string, ...options: string[]): Promise<GitClient> {
    await this.run(['clone', '--quiet', ...options, url, name]);
    return this.at(name);
  }

  /** A client that works in a subfolder. */
  at(name: string): GitClient {
    return new GitClient(
      join(this.folder, name),
      this.settings.filter((word) => word !== '-c'),
    );
  }

  /** Commits files (path → content) on the current branch and returns the commit's id. */
  async commit(message: string, files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<string> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(this.folder, path, '..'), { recursive: true });
      await writeFile(join(this.folder, path), content);
    }
    await this.run(['add', '--all']);
    await this.run(['commit', '--quiet', '--allow-empty', '-m', message]);
    return this.oidOf('HEAD');
  }

  /**
   * The object that HEAD, a branch or a tag names. Where it is in a file of its own, it is read there: no process is needed.
   * @param name as for `git rev-parse`
   */
  async oidOf(name: string): Promise<string> {
    return looseRef(join(this.folder, '.git'), name) ?? this.run(['rev-parse', '--verify', name]);
  }

  private environment(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: USER_SETTINGS,
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: 'A User',
      GIT_AUTHOR_EMAIL: 'user@example.com',
      GIT_COMMITTER_NAME: 'A User',
      GIT_COMMITTER_EMAIL: 'user@example.com',
      LC_ALL: 'C',
    };
  }
}

/** Runs a program to its end, with exactly the environment given. Throws when it cannot be started, or is aborted. */
export function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const { cwd, input = '', signal } = options;
  const env: NodeJS.ProcessEnv = options.env ?? process.env;
  return new Promise((resolve, reject) => {
    // Without execa: tests run programs thousands of times, and it takes as long as a short git command each time.
    const child = spawn(program, args, { cwd, env, signal, killSignal: 'SIGKILL' });
    let failure: Error | undefined;
    child.once('error', (error) => {
      failure = error;
    });
    // A program may end before it has read all of its input; its exit code tells whether that is an error.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    child.once('close', (exitCode) => {
      if (failure !== undefined) reject(failure);
      else resolve({ exitCode, stdout: stdout(), stderr: stderr() });
    });
  });
}

/** Reads a stream to its end. @returns a function that gives what has been read so far, as text */
function collect(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
