import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type GivenFlags, readClientSettings } from '../config/settings.ts';
import { CairnError, messageOf, systemCode } from '../lib/errors.ts';
import type { CommandContext } from './command-context.ts';
import { serverOf } from './server-connection.ts';

/**
 * `cairn credential install`: tells git, in its global configuration, to ask `cairn credential` whenever the server wants
 * to know who pushes. Running it again changes nothing but the paths.
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
  // Without it git does not say which repository it is about.
  await config('--replace-all', `${section}.useHttpPath`, 'true');
  // The empty helper drops those named before it: one that stores credentials would offer an old token first.
  await config('--replace-all', `${section}.helper`, '');
  await config('--add', `${section}.helper`, helperCommand(program, server, settings.keyFile));
  context.print(`git asks cairn for credentials for ${server}, signed with ${settings.keyFile}`);
}

/**
 * The line of shell that git runs, with the operation behind it. It does not depend on the folder git runs in, on PATH or
 * on HOME; the key is the one given here unless CAIRN_KEY_FILE names another.
 */
export function helperCommand(program: readonly string[], server: string, keyFile: string): string {
  const words = [...program, 'credential'].map(quote).join(' ');
  const key = `CAIRN_KEY_FILE="\${CAIRN_KEY_FILE:-$k}"`;
  return `!f() { k=${quote(keyFile)}; ${key} ${words} "$1" --server ${quote(server)}; }; f`;
}

/** For the shell: nothing in single quotes means anything but the quote itself. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

async function gitConfig(args: readonly string[], context: CommandContext): Promise<void> {
  const { environment, signal } = context;
  try {
    await promisify(execFile)('git', ['config', '--global', ...args], { env: environment, signal });
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    const reason = missing ? 'there is no git in PATH' : messageOf(error).trim();
    throw new CairnError('unavailable', `git could not be set up: ${reason}`, { cause: error });
  }
}
