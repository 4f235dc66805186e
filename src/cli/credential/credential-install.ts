import { execa } from 'execa';
import { readClientSettings } from '../../config/client-settings.ts';
import type { GivenFlags } from '../../config/given-flags.ts';
import { CairnError } from '../../lib/errors.ts';
import type { CommandContext } from '../command-context.ts';
import { serverOf } from '../server-connection.ts';

/**
 * `cairn credential install`: configures git, globally, to ask `cairn credential` whenever the server wants
 * credentials. Running it again only updates the paths.
 *
 * @param program the words that run this program, as absolute paths
 */
export async function credentialInstall(
  flags: GivenFlags,
  context: CommandContext,
  program: readonly string[],
): Promise<void> {
  const settings = readClientSettings(flags, context.environment);
  const server = serverOf(settings);
  const section = `credential.${server}`;
  const config = (...args: string[]) => gitConfig(args, context);
  // Without it git does not name the repository in its request.
  await config('--replace-all', `${section}.useHttpPath`, 'true');
  // The empty helper removes the helpers before it: one that stores credentials would offer an old token first.
  await config('--replace-all', `${section}.helper`, '');
  await config('--add', `${section}.helper`, helperCommand(program, server, settings.keyFile));
  context.print(`git asks cairn for credentials for ${server}, signed with ${settings.keyFile}`);
}

/**
 * The shell line that git runs, with the operation appended. It does not depend on the current folder, PATH or HOME.
 * The key is the one given here unless CAIRN_KEY_FILE names another.
 */
export function helperCommand(program: readonly string[], server: string, keyFile: string): string {
  const words = [...program, 'credential'].map(quote).join(' ');
  const key = `CAIRN_KEY_FILE="\${CAIRN_KEY_FILE:-$k}"`;
  return `!f() { k=${quote(keyFile)}; ${key} ${words} "$1" --server ${quote(server)}; }; f`;
}

/** Quotes for the shell: inside single quotes only the quote itself is special. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

async function gitConfig(args: readonly string[], context: CommandContext): Promise<void> {
  const result = await execa('git', ['config', '--global', ...args], {
    env: context.environment,
    extendEnv: false,
    cancelSignal: context.signal,
    reject: false,
    stdin: 'ignore',
  });
  if (!result.failed) return;
  const reason =
    result.code === 'ENOENT' ? 'git is not in PATH' : result.stderr.trim() || result.shortMessage;
  throw new CairnError('unavailable', `cannot configure git: ${reason}`, { cause: result.cause });
}
