/** The stock `fossil` program, as a user of its own runs it: with a folder for its settings, and never on a terminal. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

/** No command of a test takes as long, on the busiest machine. */
const LONGEST_MS = 120_000;

const PROGRAM = (process.env['PATH'] ?? '')
  .split(':')
  .map((folder) => join(folder, 'fossil'))
  .find((path) => existsSync(path));

/** Why the tests with the stock program cannot run here; undefined if they can. */
export const noFossil: string | undefined =
  PROGRAM === undefined ? 'fossil is not installed (Debian: fossil)' : undefined;

/** How a command ended. Its exit code says little: a refused push ends with 0. Look at what it said. */
export interface FossilResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order in which they were written. */
  readonly all: string;
}

export interface FossilRunOptions {
  /** Where it runs; relative to the folder of the user. */
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** A user of the stock program. */
export class FossilClient {
  /** What the user has: repositories, checkouts, and the settings of the program in `home`. */
  readonly folder: string;
  readonly user: string;

  /** @param folder must be there */
  constructor(folder: string, user = 'alice') {
    this.folder = folder;
    this.user = user;
  }

  /** Runs the program and returns how it ended, whatever the exit code. */
  async try(args: readonly string[], options: FossilRunOptions = {}): Promise<FossilResult> {
    if (PROGRAM === undefined) throw new Error('fossil is not installed');
    const home = join(this.folder, 'home');
    await mkdir(home, { recursive: true });
    const result = await execa(PROGRAM, args, {
      cwd: join(this.folder, options.cwd ?? '.'),
      // Without an input it would ask questions of the terminal of whoever runs the tests.
      input: options.input ?? '',
      extendEnv: false,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: home,
        FOSSIL_HOME: home,
        USER: this.user,
        TMPDIR: process.env['TMPDIR'] ?? '/tmp',
        LC_ALL: 'C.UTF-8',
        ...options.env,
      },
      timeout: LONGEST_MS,
      killSignal: 'SIGKILL',
      reject: false,
      all: true,
    });
    if (result.timedOut) throw new Error(`fossil ${args.join(' ')} did not end:\n${result.all}`);
    return {
      exitCode: result.exitCode,
      stdout: result.stdout,
      stderr: result.stderr,
      all: result.all.replaceAll('\r', '\n'),
    };
  }

  /** Runs the program, throws with its words when it fails, and returns its standard output. */
  async run(args: readonly string[], options: FossilRunOptions = {}): Promise<string> {
    const result = await this.try(args, options);
    if (result.exitCode !== 0) {
      throw new Error(`fossil ${args.join(' ')} ended with ${result.exitCode}:\n${result.all}`);
    }
    return result.stdout;
  }

  /**
   * Makes a repository `<name>.fossil` with a checkout in the folder `name`.
   * @returns the path of the repository
   */
  async init(name: string): Promise<string> {
    const repository = join(this.folder, `${name}.fossil`);
    await this.run(['init', repository]);
    // Its background process would write to the repository after a command has ended.
    await this.run(['settings', 'backoffice-disable', '1', '-R', repository]);
    await this.open(repository, name);
    return repository;
  }

  /** Opens a checkout of a repository in a new folder. */
  async open(repository: string, name: string): Promise<void> {
    await mkdir(join(this.folder, name), { recursive: true });
    await this.run(['open', repository], { cwd: name });
  }

  /** Writes files (path → content) in a checkout and checks them in. @returns the name of the check-in */
  async commit(
    checkout: string,
    comment: string,
    files: Readonly<Record<string, string | Uint8Array>>,
    ...options: string[]
  ): Promise<string> {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.folder, checkout, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    await this.run(['addremove'], { cwd: checkout });
    const arguments_ = ['commit', '-m', comment, '--no-warnings', '--hash', ...options];
    const said = await this.try(arguments_, { cwd: checkout });
    const [, name] = /^New_Version: ([0-9a-f]+)$/m.exec(said.all) ?? [];
    if (name === undefined) throw new Error(`nothing was checked in:\n${said.all}`);
    return name;
  }

  /** The check-in that a checkout is at. */
  async checkIn(checkout: string): Promise<string> {
    // `info` prints the first 40 digits of a name that has 64.
    const [, beginning = ''] =
      /^checkout: +([0-9a-f]+)/m.exec(await this.run(['info'], { cwd: checkout })) ?? [];
    const found = await this.run(['sql', `SELECT uuid FROM blob WHERE uuid LIKE '${beginning}%'`], {
      cwd: checkout,
    });
    return found.trim().replaceAll("'", '');
  }

  /** Rows of a query on a repository, columns separated by `|`. */
  async sql(repository: string, query: string): Promise<readonly string[]> {
    const text = await this.run(['sql', '-R', repository, query]);
    return text.split('\n').filter((row) => row !== '');
  }

  /** The code of the project of a repository: 40 hex digits. */
  async projectCode(repository: string): Promise<string> {
    const [code = ''] = await this.sql(repository, "SELECT value FROM config WHERE name='project-code'");
    return code.replaceAll("'", '');
  }

  /** Names of all artifacts that a repository has, sorted. */
  async artifacts(repository: string): Promise<readonly string[]> {
    const rows = await this.sql(repository, 'SELECT uuid FROM blob WHERE size>=0 ORDER BY uuid');
    return rows.map((row) => row.replaceAll("'", ''));
  }

  /**
   * Sends one request to `fossil http`, the server of one request.
   * @returns type and body of the reply
   */
  async http(
    repository: string,
    type: string,
    body: Uint8Array,
  ): Promise<{ readonly status: string; readonly type: string; readonly body: Buffer }> {
    if (PROGRAM === undefined) throw new Error('fossil is not installed');
    const head = `POST / HTTP/1.0\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${body.byteLength}\r\n\r\n`;
    const home = join(this.folder, 'home');
    await mkdir(home, { recursive: true });
    const { stdout } = await execa(
      PROGRAM,
      ['http', repository, '--nojail', '--nossl', '--nodelay', '--nocompress', '--ipaddr', '127.0.0.1'],
      {
        input: Buffer.concat([Buffer.from(head), body]),
        encoding: 'buffer',
        extendEnv: false,
        env: { PATH: process.env['PATH'] ?? '', HOME: home, FOSSIL_HOME: home, USER: this.user },
        timeout: LONGEST_MS,
        killSignal: 'SIGKILL',
      },
    );
    const reply = Buffer.from(stdout);
    const end = reply.indexOf('\r\n\r\n');
    const headers = reply.subarray(0, end).toString('latin1');
    return {
      status: headers.split('\r\n', 1)[0] ?? '',
      type: /^content-type: *([^\r\n]*)/im.exec(headers)?.[1] ?? '',
      body: reply.subarray(end + 4),
    };
  }
}
