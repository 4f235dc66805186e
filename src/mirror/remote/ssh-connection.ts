import { spawn } from 'node:child_process';
import type { Service } from '../../git/index.ts';
import { isCairnError } from '../../lib/errors.ts';
import type { AddressGuard } from '../../outbound/address-guard.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { withoutUsers } from '../../outbound/secrets.ts';
import type { TrafficObserver } from '../../outbound/traffic.ts';
import type { WaitingTimes } from '../../outbound/waiting-times.ts';
import type { Connection, OpenOptions, Session } from './connection.ts';
import { withoutRepository } from './git-environment.ts';
import { ProcessSession } from './process-session.ts';
import { displayAddress, type SshAddress } from './remote-address.ts';
import { type ProgramToRun, RemoteProcess } from './remote-process.ts';
import { type SshConfig, type SshProgram, sshInvocation, sshProgramOf, variantTrial } from './ssh-command.ts';

export interface SshConnectionOptions {
  readonly address: SshAddress;
  /** The environment of the caller: `GIT_SSH_COMMAND`, `GIT_SSH`, the agent. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** The git whose settings `core.sshCommand` and `ssh.variant` count. */
  readonly git: string;
  /** Whether there is a terminal on which `ssh` may ask for passwords. */
  readonly terminal: boolean;
  /** With a guard, settings of git do not count, and `ssh` connects to an address that was checked. */
  readonly guard: AddressGuard | undefined;
  readonly waitingTimes: WaitingTimes;
  readonly traffic: TrafficObserver;
  readonly onMessage: (line: string) => void;
}

/** A repository that is reached over the local `ssh`, as git does. */
export class SshConnection implements Connection {
  readonly address: SshAddress;
  private readonly options: SshConnectionOptions;
  private program: Promise<SshProgram> | undefined;

  constructor(options: SshConnectionOptions) {
    this.options = options;
    this.address = options.address;
  }

  redact(text: string): string {
    return withoutUsers.redact(text);
  }

  async open(service: Service, { version, signal }: OpenOptions): Promise<Session> {
    // Pushes have no other version than 0.
    if (version === 0 || service === 'git-receive-pack') return this.begin(service, 0, signal);
    try {
      return await this.begin(service, version, signal);
    } catch (error) {
      if (!mayBeTheVersion(error)) throw error;
      return this.beginWithoutVersion(service, signal, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Each session has a process of its own.
  }

  private async beginWithoutVersion(service: Service, signal: AbortSignal, first: unknown): Promise<Session> {
    try {
      return await this.begin(service, 0, signal);
    } catch (error) {
      // Both attempts are in the cause. The second says what is wrong without anything unusual.
      if (error instanceof RemoteError) {
        const cause = new AggregateError([first, error], error.message);
        throw new RemoteError(error.kind, error.message, error.facts, { cause });
      }
      throw error;
    }
  }

  private async begin(service: Service, version: number, signal: AbortSignal): Promise<Session> {
    const { address, environment, guard, terminal, onMessage, waitingTimes, traffic } = this.options;
    this.program ??= this.findProgram();
    const program = await this.program;
    const [checked] = (await guard?.resolve(address.host)) ?? [];
    const options = { address, service, version, mayAsk: terminal, ip: checked?.address };
    const { file, args, env } = sshInvocation(program, options);
    signal.throwIfAborted();
    // On a terminal, `ssh` has to belong to the group of this process: else it could not ask for a passphrase.
    const run: ProgramToRun = {
      file,
      args,
      env: { ...withoutRepository(environment), ...env },
      ownGroup: !terminal,
    };
    const process = new RemoteProcess(run, onMessage, this.redact);
    const session = new ProcessSession({
      process,
      name: 'ssh',
      where: displayAddress(address),
      signal,
      waitingTimes,
      traffic,
    });
    try {
      await session.begun();
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  private async findProgram(): Promise<SshProgram> {
    const { environment, git, guard, address } = this.options;
    const config = guard === undefined ? await readSshConfig(git, environment) : {};
    const program = sshProgramOf(environment, config);
    if (program.variant !== 'auto') return program;
    const { file, args } = variantTrial(program, address);
    const isOpenSsh = (await run(file, args, withoutRepository(environment))) !== undefined;
    return { ...program, variant: isOpenSsh ? 'ssh' : 'simple' };
  }
}

/**
 * Some servers end with an error when they are told a version. 255 is the error of `ssh` itself, which is the same the next time.
 */
function mayBeTheVersion(error: unknown): boolean {
  return isCairnError(error, 'unavailable') && error instanceof RemoteError && error.facts.exitCode !== 255;
}

async function readSshConfig(git: string, environment: Readonly<NodeJS.ProcessEnv>): Promise<SshConfig> {
  const args = ['config', '-z', '--get-regexp', '^(core\\.sshcommand|ssh\\.variant)$'];
  const output = (await run(git, args, environment)) ?? '';
  const config: { sshCommand?: string; variant?: string } = {};
  for (const entry of output.split('\0')) {
    const [key, ...value] = entry.split('\n');
    if (key === 'core.sshcommand') config.sshCommand = value.join('\n');
    if (key === 'ssh.variant') config.variant = value.join('\n');
  }
  return config;
}

const MAX_OUTPUT_LENGTH = 256 * 1024;

/** @returns what a program prints; undefined if it fails or cannot be started */
function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > MAX_OUTPUT_LENGTH) child.kill();
    });
    child.on('error', () => resolve(undefined));
    child.once('close', (code) => resolve(code === 0 ? output : undefined));
  });
}
