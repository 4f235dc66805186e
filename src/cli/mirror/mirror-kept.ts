/** `cairn mirror add|list|show|remove|run|pause|resume|credential`: the mirrors that a server keeps. */
import { readClientSettings } from '../../config/client-settings.ts';
import type { GivenFlags } from '../../config/given-flags.ts';
import { systemClock } from '../../lib/clock.ts';
import { CairnError, isCairnError, messageOf } from '../../lib/errors.ts';
import { localProblem } from '../../lib/system-error.ts';
import type { MirrorView } from '../../mirror/kept/mirror-view.ts';
import type { MirrorCredential } from '../../mirror/kept/sealed-credentials.ts';
import type { Outcome } from '../../mirror/run/mirror-result.ts';
import { outcomeOf } from '../../mirror/run/run-mirror.ts';
import { formatNpub } from '../../nostr/public-key.ts';
import { saferText } from '../../outbound/safer-text.ts';
import { readKeyFile } from '../../server/keys.ts';
import type { CommandContext } from '../command-context.ts';
import { readSigner } from '../credential/key.ts';
import { badValue } from '../flag-values.ts';
import { repositoryArgument } from '../repository-argument.ts';
import { serverOf } from '../server-connection.ts';
import { SignedRequests } from '../signed-requests.ts';
import { exitAs } from './mirror-exit.ts';

/** Flags that say what is shown to the remote. Tokens come from variables: other users could read flags. */
export interface CredentialFlags {
  readonly remoteUsername?: string;
  readonly remoteKey?: string;
}

export interface AddFlags extends CredentialFlags {
  readonly push?: boolean;
  readonly follow?: boolean;
  readonly overwrite?: boolean;
  /** True for `--prune`, false for `--no-prune`. */
  readonly prune?: boolean;
  readonly every?: string;
  readonly json?: boolean;
}

/** What every command here needs. */
export interface KeptCommand {
  /** `<owner>/<identifier>` */
  readonly repository: string;
  readonly flags: GivenFlags;
  readonly json: boolean;
}

/** Milliseconds between two looks at a mirror that runs. */
const LOOK_MS = 500;

/**
 * Carries out a command. An error ends the program with the exit code of its outcome, as other mirror commands do, and is printed as JSON
 * where that was asked for.
 * @param name of the command, after `mirror`
 */
export async function reported(
  name: string,
  { json }: KeptCommand,
  context: CommandContext,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const error = localProblem(thrown) ?? thrown;
    const problem = context.signal.aborted ? 'it was stopped' : messageOf(error);
    const outcome = context.signal.aborted ? 'interrupted' : keptOutcome(error);
    if (json) context.print(JSON.stringify({ command: `mirror ${name}`, outcome, problem }));
    // An unexpected error ends the program.
    if (!(error instanceof CairnError) && !context.signal.aborted) throw error;
    exitAs(outcome, problem);
  }
}

/** A name that is taken, or refs that would be overwritten, block what was asked for. */
function keptOutcome(error: unknown): Outcome {
  return isCairnError(error, 'conflict') ? 'blocked' : outcomeOf(error);
}

export async function mirrorAdd(
  command: KeptCommand,
  name: string,
  address: string,
  options: AddFlags,
  context: CommandContext,
): Promise<void> {
  const credential = await credentialOf(options, context);
  const common = {
    name,
    address,
    ...(options.every === undefined ? {} : { every: secondsOf(options.every) }),
    ...(credential === undefined ? {} : { credential }),
  };
  if (options.push === true && options.follow === true) {
    throw new CairnError('invalid', '--push and --follow exclude each other');
  }
  if (options.overwrite === true && options.follow !== true && options.push !== true) {
    throw new CairnError(
      'invalid',
      '--overwrite is for mirrors that replace something: add --follow or --push',
    );
  }
  if (options.push !== true && options.prune !== undefined) {
    throw new CairnError('invalid', '--prune and --no-prune are for push mirrors: add --push');
  }
  const wanted =
    options.push === true
      ? {
          ...common,
          direction: 'push',
          prune: options.prune !== false,
          overwrite: options.prune === true || options.overwrite === true,
        }
      : {
          ...common,
          direction: 'pull',
          refs: options.follow === true ? 'follow' : 'namespace',
          overwrite: options.overwrite === true,
        };
  const mirror = (await (await open(command, context)).send('POST', pathOf(command), wanted)) as MirrorView;
  context.print(command.json ? JSON.stringify(mirror) : `added: ${summaryOf(mirror)}`);
}

export async function mirrorList(command: KeptCommand, context: CommandContext): Promise<void> {
  const mirrors = await mirrorsOf(command, context);
  if (command.json) context.print(JSON.stringify({ mirrors }));
  else for (const mirror of mirrors) context.print(summaryOf(mirror));
}

export async function mirrorShow(command: KeptCommand, name: string, context: CommandContext): Promise<void> {
  if (isInStore(command)) {
    const found = (await mirrorsOf(command, context)).find((mirror) => mirror.name === name);
    if (found === undefined) throw new CairnError('not-found', `the repository has no mirror "${name}"`);
    print(found, command, context);
    return;
  }
  const answer = await (await open(command, context)).send('GET', pathOf(command, name));
  print(answer as MirrorView, command, context);
}

/** All mirrors of a repository: from the store, where one is named, or from the server. */
async function mirrorsOf(command: KeptCommand, context: CommandContext): Promise<readonly MirrorView[]> {
  if (isInStore(command)) {
    const { mirrorsInStore } = await import('./mirror-kept-store.ts');
    return mirrorsInStore(command.repository, command.flags, context);
  }
  const answer = await (await open(command, context)).send('GET', pathOf(command));
  return (answer as { readonly mirrors: readonly MirrorView[] }).mirrors;
}

function isInStore({ flags }: KeptCommand): boolean {
  if (flags.store !== undefined && flags.server !== undefined) {
    throw new CairnError('invalid', '--store and --server exclude each other');
  }
  return flags.store !== undefined;
}

export async function mirrorRemove(
  command: KeptCommand,
  name: string,
  context: CommandContext,
): Promise<void> {
  const answer = await (await open(command, context)).send('POST', pathOf(command, name, 'remove'));
  context.print(command.json ? JSON.stringify(answer) : `removed: ${name}`);
}

/** `pause` and `resume`. */
export async function mirrorChange(
  command: KeptCommand,
  name: string,
  action: 'pause' | 'resume',
  context: CommandContext,
): Promise<void> {
  const answer = await (await open(command, context)).send('POST', pathOf(command, name, action));
  print(answer as MirrorView, command, context);
}

/** Stores another credential: the one that flags and variables give, or none. */
export async function mirrorCredential(
  command: KeptCommand,
  name: string,
  options: CredentialFlags,
  context: CommandContext,
): Promise<void> {
  const credential = (await credentialOf(options, context)) ?? null;
  const answer = await (await open(command, context)).send(
    'POST',
    pathOf(command, name, 'credential'),
    credential,
  );
  print(answer as MirrorView, command, context);
}

/**
 * Runs a mirror now, and waits for it.
 * @throws CairnError `unavailable` with the reason when the run fails
 */
export async function mirrorRunNow(
  command: KeptCommand,
  name: string,
  { wait }: { readonly wait: boolean },
  context: CommandContext,
): Promise<void> {
  const requests = await open(command, context);
  const look = async (): Promise<MirrorView> =>
    (await requests.send('GET', pathOf(command, name))) as MirrorView;
  const before = await look();
  let mirror = (await requests.send('POST', pathOf(command, name, 'run'))) as MirrorView;
  // It has run when the date for which it was due is another one.
  const asked = mirror.due;
  while (wait && mirror.due === asked) {
    await systemClock.sleep(LOOK_MS, context.signal);
    mirror = await look();
  }
  const hasFailed = wait && mirror.failures > before.failures;
  // As JSON, the error is the one document.
  if (!hasFailed || !command.json) print(mirror, command, context);
  if (hasFailed) {
    throw new CairnError('unavailable', mirror.lastError?.text ?? 'the mirror failed');
  }
}

async function open({ flags }: KeptCommand, context: CommandContext): Promise<SignedRequests> {
  const settings = readClientSettings(flags, context.environment);
  return new SignedRequests(serverOf(settings), await readSigner(settings), context.signal);
}

function pathOf({ repository }: KeptCommand, ...rest: readonly string[]): string {
  const { owner, identifier } = repositoryArgument(repository);
  const parts = ['api', 'v1', 'repositories', formatNpub(owner), identifier, 'mirrors', ...rest];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

async function credentialOf(
  { remoteUsername, remoteKey }: CredentialFlags,
  { environment }: CommandContext,
): Promise<MirrorCredential | undefined> {
  const token = environment['CAIRN_MIRROR_TOKEN'] || undefined;
  const bearer = environment['CAIRN_MIRROR_BEARER_TOKEN'] || undefined;
  const key = remoteKey ?? (environment['CAIRN_MIRROR_KEY_FILE'] || undefined);
  const given = [token, bearer, key].filter((value) => value !== undefined);
  if (given.length > 1) {
    throw new CairnError(
      'invalid',
      'several credentials are given: use one of CAIRN_MIRROR_TOKEN, CAIRN_MIRROR_BEARER_TOKEN and --remote-key',
    );
  }
  if (bearer !== undefined) return { kind: 'bearer', token: bearer };
  if (key !== undefined) return { kind: 'nostr', secretKey: await readKeyFile(key) };
  if (token === undefined && remoteUsername !== undefined) {
    throw new CairnError('invalid', '--remote-username needs a token: set CAIRN_MIRROR_TOKEN');
  }
  if (token === undefined) return undefined;
  const username = remoteUsername ?? (environment['CAIRN_MIRROR_USERNAME'] || 'git');
  return { kind: 'basic', username, password: token };
}

function secondsOf(text: string): number {
  const [, digits, unit = 's'] = /^(\d+)\s*([smhd])?$/.exec(text) ?? [];
  const factor = { s: 1, m: 60, h: 3_600, d: 86_400 }[unit];
  if (digits !== undefined && factor !== undefined) return Number(digits) * factor;
  throw badValue('--every', text, 'a time such as 300s, 15m, 6h or 1d');
}

function print(mirror: MirrorView, { json }: KeptCommand, context: CommandContext): void {
  context.print(json ? JSON.stringify(mirror) : linesOf(mirror).join('\n'));
}

function summaryOf({ name, direction, address, refs, condition, lag }: MirrorView): string {
  const arrow = direction === 'pull' ? '<-' : '->';
  const what = refs === undefined ? direction : `${direction} (${refs})`;
  const late = lag === null ? '' : `lag ${lag} s`;
  return [name, `${arrow} ${address}`, what, condition, late].filter((part) => part !== '').join('\t');
}

function linesOf(mirror: MirrorView): string[] {
  const { lastError, mirrored } = mirror;
  const date = (seconds: number | null) =>
    seconds === null ? 'never' : new Date(seconds * 1000).toISOString();
  return [
    `mirror        ${mirror.name}`,
    `direction     ${mirror.direction}${mirror.refs === undefined ? '' : `, ${mirror.refs}`}${mirror.prune === false ? ', without pruning' : ''}`,
    `address       ${mirror.address}`,
    `credential    ${mirror.hasCredential ? 'stored' : 'none'}`,
    `kept by       ${mirror.by === null ? 'the operator' : formatNpub(mirror.by)}`,
    `condition     ${mirror.condition}`,
    `every         ${mirror.every} s`,
    `next run      ${mirror.due === null ? 'when it is resumed' : date(mirror.due)}`,
    `last run      ${date(mirror.lastRun)}`,
    `last success  ${date(mirror.lastSuccess)}`,
    ...(mirror.lag === null ? [] : [`lag           ${mirror.lag} s`]),
    ...(mirrored === null ? [] : [`mirrored      depth ${mirrored.depth}, manifest ${mirrored.digest}`]),
    ...(lastError === null
      ? []
      : [`last error    ${saferText(lastError.text)} (${mirror.failures} in a row)`]),
  ];
}
