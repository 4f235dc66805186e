/** How git runs `ssh` (git, `connect.c`): the program, its options, and the command for the other side. */
import type { Service } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import type { SshAddress } from './remote-address.ts';

/** Which options a program takes (`ssh.variant` in git-config(1)). `auto` has to be tried. */
export type SshVariant = 'auto' | 'simple' | 'ssh' | 'plink' | 'tortoiseplink';

export interface SshProgram {
  /** A program, or the beginning of a command line for the shell. */
  readonly command: string;
  readonly isCommandLine: boolean;
  readonly variant: SshVariant;
}

/** The settings of git that matter here. */
export interface SshConfig {
  readonly sshCommand?: string;
  readonly variant?: string;
}

/** The program that git would take: `GIT_SSH_COMMAND`, `core.sshCommand`, `GIT_SSH`, `ssh`, in this order. */
export function sshProgramOf(environment: Readonly<NodeJS.ProcessEnv>, config: SshConfig = {}): SshProgram {
  const commandLine = environment['GIT_SSH_COMMAND'] ?? config.sshCommand;
  const command = commandLine ?? environment['GIT_SSH'] ?? 'ssh';
  const isCommandLine = commandLine !== undefined;
  const named = variantNamed(environment['GIT_SSH_VARIANT'] ?? config.variant);
  return {
    command,
    isCommandLine,
    variant: named ?? variantOf(isCommandLine ? firstWord(command) : command),
  };
}

/** What `ssh` is run with. */
export interface SshInvocation {
  readonly file: string;
  readonly args: readonly string[];
  /** Variables to add. */
  readonly env: Readonly<Record<string, string>>;
}

export interface SshInvocationOptions {
  readonly address: SshAddress;
  readonly service: Service;
  readonly version: number;
  /** Whether `ssh` may ask for passwords. */
  readonly mayAsk: boolean;
  /** The address to connect to, if not `ssh` is to find it. */
  readonly ip: string | undefined;
}

/**
 * @param program not of the variant `auto`
 * @throws CairnError `invalid` if the program cannot do what the address asks for
 */
export function sshInvocation(program: SshProgram, options: SshInvocationOptions): SshInvocation {
  const { address, service, version } = options;
  const hasProtocol = program.variant === 'ssh' && version > 0;
  const remote = `${service} ${quoted(address.path)}`;
  return {
    ...start(program, [...sshOptions(program, options), ...destination(program, address), remote]),
    env: hasProtocol ? { GIT_PROTOCOL: `version=${version}` } : {},
  };
}

/** Tries whether a program takes the options of OpenSSH: it does if this ends with 0. */
export function variantTrial(program: SshProgram, address: SshAddress): Omit<SshInvocation, 'env'> {
  const port = address.port === undefined ? [] : ['-p', String(address.port)];
  return start(program, ['-G', ...port, userAndHost(address)]);
}

/** One word for the shell on the other side, whatever it contains (git, `quote.c`: a shell may take `!` as history). */
export function quoted(text: string): string {
  return `'${text.replace(/['!]/g, (character) => `'\\${character}'`)}'`;
}

function sshOptions(program: SshProgram, options: SshInvocationOptions): string[] {
  const { address, version, mayAsk, ip } = options;
  const { variant } = program;
  const port = address.port === undefined ? [] : [String(address.port)];
  if (variant === 'simple' && port.length > 0) {
    throw new CairnError('invalid', `${program.command}: the ssh variant "simple" has no option for a port`);
  }
  if (ip !== undefined && variant !== 'ssh') {
    throw new CairnError('forbidden', 'only OpenSSH has an option for the address to connect to');
  }
  if (variant !== 'ssh') {
    const batch = variant === 'tortoiseplink' ? ['-batch'] : [];
    return [...batch, ...port.flatMap((number) => ['-P', number])];
  }
  const alias = address.port === undefined ? address.host : `[${address.host}]:${address.port}`;
  return [
    ...(version > 0 ? ['-o', 'SendEnv=GIT_PROTOCOL'] : []),
    ...(mayAsk ? [] : ['-o', 'BatchMode=yes']),
    // The keys of hosts are known by their names.
    ...(ip === undefined
      ? []
      : ['-o', `HostName=${ip}`, '-o', `HostKeyAlias=${alias}`, '-o', 'CheckHostIP=no']),
    ...port.flatMap((number) => ['-p', number]),
  ];
}

/** With OpenSSH, no word after `--` is an option. Hosts that look like one are refused by `parseRemoteAddress`, too. */
function destination({ variant }: SshProgram, address: SshAddress): string[] {
  return variant === 'ssh' ? ['--', userAndHost(address)] : [userAndHost(address)];
}

function userAndHost({ user, host }: SshAddress): string {
  return user === undefined ? host : `${user}@${host}`;
}

function start({ command, isCommandLine }: SshProgram, args: readonly string[]): Omit<SshInvocation, 'env'> {
  if (!isCommandLine) return { file: command, args };
  return { file: 'sh', args: ['-c', `${command} "$@"`, command, ...args] };
}

function variantNamed(name: string | undefined): SshVariant | undefined {
  switch (name?.toLowerCase()) {
    case 'ssh':
    case 'simple':
    case 'tortoiseplink':
    case 'auto':
      return name.toLowerCase() as SshVariant;
    case 'plink':
    case 'putty':
      return 'plink';
    default:
      return undefined;
  }
}

function variantOf(program: string): SshVariant {
  const name = program
    .split('/')
    .at(-1)
    ?.toLowerCase()
    .replace(/\.exe$/, '');
  return name === 'ssh' || name === 'plink' || name === 'tortoiseplink' ? name : 'auto';
}

/** The first word of a command line, without its quotes. */
function firstWord(line: string): string {
  const [, double, single, bare] = /^\s*(?:"([^"]*)"|'([^']*)'|((?:\\.|[^\s\\])+))/.exec(line) ?? [];
  return double ?? single ?? bare?.replace(/\\(.)/g, '$1') ?? '';
}
