import { readClientSettings } from '../../config/client-settings.ts';
import type { GivenFlags } from '../../config/given-flags.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { GitCredentialHelper } from '../../mirror/remote/git-credential.ts';
import { parseRemoteAddress, type RemoteAddress } from '../../mirror/remote/remote-address.ts';
import type { Credentials } from '../../outbound/credentials.ts';
import { traceOf } from '../../outbound/http-trace.ts';
import type { CommandContext } from '../command-context.ts';
import { printable } from '../printable.ts';
import type { EndpointReader } from './mirror.ts';

type Side = 'source' | 'target';

/** Flags of one side, as commander names them; `T` for `source` or `target`. */
interface SideFlags {
  readonly username: string | undefined;
  readonly key: string | undefined;
  readonly followRedirects: boolean;
  readonly insecure: boolean;
}

/**
 * How the command line reaches both sides. Tokens come from variables alone, because other users of the machine could read flags in the
 * list of processes. Without any, a Cairn server that `--server` names gets tokens that are signed with the user's key, and git's
 * credential helpers are asked for all others.
 */
export function endpointReader(
  flags: Readonly<Record<string, unknown>>,
  context: CommandContext,
): EndpointReader {
  const { environment } = context;
  const trace = traceOf(environment, (line) => process.stderr.write(`${printable(line)}\n`));
  const helper = new GitCredentialHelper({ git: 'git', environment });
  return async (side, address) => {
    const own = sideFlags(side, flags, environment);
    const credentials = await credentialsFor(side, address, own, flags, context);
    return {
      address,
      connection: {
        environment,
        helper,
        terminal: process.stdin.isTTY === true || process.stderr.isTTY === true,
        followRedirects: own.followRedirects,
        insecureTls: own.insecure,
        ...(trace === undefined ? {} : { trace }),
        ...(credentials === undefined ? {} : { credentials }),
      },
    };
  };
}

function sideFlags(
  side: Side,
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<NodeJS.ProcessEnv>,
): SideFlags {
  const flag = (name: string) => flags[`${side}${name}`];
  const text = (name: string, variable: string) => {
    const value = flag(name) ?? environment[variableOf(side, variable)];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return {
    username: text('Username', 'USERNAME'),
    key: text('Key', 'KEY_FILE'),
    followRedirects: flag('FollowRedirects') === true,
    insecure: flag('Insecure') === true,
  };
}

function variableOf(side: Side, name: string): string {
  return `CAIRN_${side.toUpperCase()}_${name}`;
}

async function credentialsFor(
  side: Side,
  address: string,
  { username, key }: SideFlags,
  flags: Readonly<Record<string, unknown>>,
  { environment }: CommandContext,
): Promise<Credentials | undefined> {
  const bearer = environment[variableOf(side, 'BEARER_TOKEN')] || undefined;
  const token = environment[variableOf(side, 'TOKEN')] || undefined;
  const given = [bearer, token, key].filter((value) => value !== undefined);
  if (given.length > 1) {
    throw new CairnError(
      'invalid',
      `the ${side} has several credentials: give one of ${variableOf(side, 'TOKEN')}, ${variableOf(side, 'BEARER_TOKEN')} and --${side}-key`,
    );
  }
  if (bearer !== undefined) return { kind: 'bearer', token: bearer };
  if (token !== undefined) {
    return { kind: 'basic', password: token, ...(username === undefined ? {} : { userName: username }) };
  }
  if (key !== undefined) {
    const { readSignerOf } = await import('../credential/key.ts');
    return { kind: 'nostr', signer: await readSignerOf(key) };
  }
  const settings = readClientSettings(flags as GivenFlags, environment);
  if (settings.server === undefined || !isAt(settings.server, address)) return undefined;
  // Most remotes need no key, and loading what signs would take a tenth of the time in which this program starts.
  const { readSignerIfAny } = await import('../credential/key.ts');
  const signer = await readSignerIfAny(settings);
  return signer === undefined ? undefined : { kind: 'nostr', signer };
}

/** True for a repository of the server that the user has named. */
function isAt(server: string, address: string): boolean {
  const remote = parsedOrNone(address);
  return remote?.kind === 'http' && remote.url.origin === new URL(server).origin;
}

/** Undefined for an address that only git reaches (`git://…`), or nobody: the run says which. */
function parsedOrNone(address: string): RemoteAddress | undefined {
  try {
    return parseRemoteAddress(address);
  } catch (error) {
    if (isCairnError(error, 'invalid')) return undefined;
    throw error;
  }
}
