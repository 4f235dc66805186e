/** `git credential`: the helpers that somebody has set up for git, and git's own question on the terminal. */
import { spawn } from 'node:child_process';
import { decoded, defaultUserName } from '../../outbound/credentials.ts';
import type { CredentialHelper, CredentialQuestion, FilledCredential } from './credential-helper.ts';

export interface GitCredentialOptions {
  /** The git to run; a name is looked up in PATH. */
  readonly git: string;
  /** With everything that helpers need. `GIT_TERMINAL_PROMPT=0` in it forbids git to ask on the terminal. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
}

/** Answers are a few hundred bytes, and tokens a few thousand. */
const MAX_ANSWER_LENGTH = 256 * 1024;

export class GitCredentialHelper implements CredentialHelper {
  private readonly options: GitCredentialOptions;

  constructor(options: GitCredentialOptions) {
    this.options = options;
  }

  async fill(question: CredentialQuestion, signal: AbortSignal): Promise<FilledCredential | undefined> {
    const output = await this.run('fill', describeQuestion(question), signal);
    signal.throwIfAborted();
    return output === undefined ? undefined : parseFilled(output);
  }

  async approve(credential: FilledCredential, signal?: AbortSignal): Promise<void> {
    await this.run('approve', credential.description, signal);
  }

  async reject(credential: FilledCredential, signal?: AbortSignal): Promise<void> {
    await this.run('reject', credential.description, signal);
  }

  /** @returns what git prints; undefined if it fails, or does not come to an end before the signal is aborted */
  private run(
    operation: string,
    lines: readonly string[],
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const { git, environment } = this.options;
    return new Promise((resolve) => {
      // In the group of this process: else git could not ask on the terminal.
      const child = spawn(git, ['credential', operation], {
        env: environment,
        stdio: ['pipe', 'pipe', 'inherit'],
        ...(signal === undefined ? {} : { signal }),
      });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.length > MAX_ANSWER_LENGTH) child.kill();
      });
      // A program that cannot be started, or was stopped, has no credentials.
      child.on('error', () => resolve(undefined));
      child.stdin.on('error', () => undefined);
      child.once('close', (code) => resolve(code === 0 ? output : undefined));
      child.stdin.end(`${lines.join('\n')}\n\n`);
    });
  }
}

/** The question to `git credential fill`, line by line. */
export function describeQuestion({ url, userName, challenges }: CredentialQuestion): string[] {
  const path = decoded(url.pathname).replace(/^\/+/, '');
  const lines = [
    'capability[]=authtype',
    `protocol=${url.protocol.slice(0, -1)}`,
    `host=${url.host}`,
    ...(path === '' ? [] : [`path=${path}`]),
    ...(userName === undefined || userName === '' ? [] : [`username=${userName}`]),
    ...challenges.map((challenge) => `wwwauth[]=${challenge}`),
  ];
  // A line feed in a value would begin a line of its own, about another host perhaps (CVE-2020-5260).
  return lines.filter((line) => !/[\r\n\0]/.test(line));
}

/** @returns undefined without a password, or with an empty one */
export function parseFilled(output: string): FilledCredential | undefined {
  const lines = output.split('\n').filter((line) => line.includes('='));
  const value = (name: string) =>
    lines.findLast((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  const description = lines.filter((line) => !line.startsWith('quit='));
  const [scheme, credential] = [value('authtype'), value('credential')];
  if (scheme !== '' && credential !== '') {
    return { description, userName: value('username'), secret: credential, scheme };
  }
  if (value('password') === '') return undefined;
  return { description, userName: value('username') || defaultUserName, secret: value('password') };
}
