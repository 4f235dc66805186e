/** `cairn fossil clone|pull|push|sync <url> <owner>/<identifier>`: artifacts from and to another Fossil server. */
import type { GivenFlags } from '../../config/given-flags.ts';
import { clone } from '../../fossil-sync/client/clone.ts';
import { FileSpool } from '../../fossil-sync/client/file-spool.ts';
import { RepositoryBag } from '../../fossil-sync/client/repository-bag.ts';
import { RepositoryCloneTarget } from '../../fossil-sync/client/repository-clone-target.ts';
import { sync } from '../../fossil-sync/client/sync.ts';
import type { Account, CloneOptions, SyncOptions } from '../../fossil-sync/client/sync-options.ts';
import { SyncFailure, type SyncResult } from '../../fossil-sync/client/sync-result.ts';
import { openHttpTransport } from '../../fossil-sync/open-http-transport.ts';
import type { Transport } from '../../fossil-sync/transport.ts';
import { CairnError, type ErrorKind, isCairnError, messageOf } from '../../lib/errors.ts';
import { roundedSize } from '../../lib/format-size.ts';
import { systemRandom } from '../../lib/random.ts';
import type { Outcome } from '../../mirror/run/mirror-result.ts';
import { displayUrl, parseUrl } from '../../outbound/display-url.ts';
import { traceOf } from '../../outbound/http-trace.ts';
import type { CommandContext } from '../command-context.ts';
import { exitAs } from '../mirror/mirror-exit.ts';
import { repositoryArgument } from '../repository-argument.ts';
import { FossilProgress } from './fossil-progress.ts';
import { type FossilStore, withFossilStore } from './fossil-store.ts';

export type FossilSyncCommand = 'clone' | 'pull' | 'push' | 'sync';

export interface FossilSyncFlags {
  readonly user?: string;
  readonly httpUser?: string;
  readonly private?: boolean;
  readonly unversioned: boolean;
  readonly verily?: boolean;
  readonly followRedirects?: boolean;
  readonly insecure?: boolean;
  readonly json?: boolean;
}

export interface AskedSync {
  readonly command: FossilSyncCommand;
  readonly url: string;
  readonly repository: string;
  readonly flags: FossilSyncFlags;
}

/** More than the default of the library: a person watches the command, and each round must make progress. */
const LIMITS = { rounds: 1_000_000, sendBytes: 4_000_000 };

/** Runs a command and prints its result: lines for people, or one JSON document, whatever happens. */
export async function fossilSync(
  asked: AskedSync,
  given: GivenFlags,
  context: CommandContext,
): Promise<void> {
  let result: SyncResult | undefined;
  let failure: { readonly error: unknown } | undefined;
  {
    using progress = new FossilProgress(process.stderr, asked.flags.json !== true);
    try {
      result = await exchanged(asked, given, context, progress);
    } catch (error) {
      failure = { error };
      if (error instanceof SyncFailure) result = error.result;
    }
  }
  const outcome = outcomeOf(asked, result, failure, context.signal);
  const problem = problemOf(outcome, result, failure);
  if (asked.flags.json === true) context.print(documentOf(asked, outcome, problem, result));
  else if (result !== undefined && failure === undefined) context.print(linesOf(asked, result).join('\n'));
  if (failure !== undefined && !isCairnError(failure.error) && outcome !== 'interrupted') throw failure.error;
  exitAs(outcome, problem);
}

async function exchanged(
  asked: AskedSync,
  given: GivenFlags,
  context: CommandContext,
  progress: FossilProgress,
): Promise<SyncResult> {
  const { command, url, repository, flags } = asked;
  const id = repositoryArgument(repository);
  const trace = traceOf(context.environment, context.warn);
  const basic = accountOf(flags.httpUser, context.environment['CAIRN_FOSSIL_HTTP_PASSWORD']);
  await using opened = openHttpTransport({
    url,
    ...(basic === undefined ? {} : { basic }),
    ...(trace === undefined ? {} : { trace }),
    followRedirects: flags.followRedirects ?? false,
    insecureTls: flags.insecure ?? false,
  });
  const account = accountOf(flags.user, context.environment['CAIRN_FOSSIL_PASSWORD']) ?? opened.account;
  const options: CloneOptions = {
    ...(account === undefined ? {} : { account }),
    signal: context.signal,
    progress: progress.round,
    limits: LIMITS,
    unversioned: flags.unversioned,
    privateArtifacts: flags.private ?? false,
  };
  // Awaited here: the transport is closed when this function returns.
  return await withFossilStore(given, context, { writes: true }, async (store) => {
    if (command === 'clone') return await cloned(store, repository, opened.transport, options);
    const catalog = flags.verily ?? false;
    const result = await synced(store, id, opened.transport, { ...options, catalog }, command);
    if (command !== 'push') await foldDue(store, id, context);
    return result;
  });
}

/** Many packs that came in rounds become one. What came is stored already: if that fails, the command has not. */
async function foldDue(
  store: FossilStore,
  id: ReturnType<typeof repositoryArgument>,
  context: CommandContext,
): Promise<void> {
  try {
    await store.fold(store.repositories.get(id), context.signal);
  } catch (error) {
    if (context.signal.aborted) return;
    context.warn(`it was not folded ("cairn fold" does it later): ${messageOf(error)}`);
  }
}

async function cloned(
  { repositories, scratch }: FossilStore,
  repository: string,
  transport: Transport,
  options: CloneOptions,
): Promise<SyncResult> {
  const target = new RepositoryCloneTarget(repositories.get(repositoryArgument(repository)), systemRandom);
  return clone(target, transport, options, await FileSpool.create(scratch));
}

async function synced(
  { repositories }: FossilStore,
  id: ReturnType<typeof repositoryArgument>,
  transport: Transport,
  options: SyncOptions,
  command: FossilSyncCommand,
): Promise<SyncResult> {
  const local = await RepositoryBag.open(repositories.get(id));
  return sync(local, transport, { ...options, push: command !== 'pull', pull: command !== 'push' });
}

function accountOf(user: string | undefined, password: string | undefined): Account | undefined {
  if (user === undefined) return undefined;
  if (password === undefined || password === '') {
    throw new CairnError('invalid', `there is no password for the user ${user} in the environment`);
  }
  return { user, password };
}

/** Errors that come again however often a command is repeated. */
const CONFIGURATION = new Set<ErrorKind>([
  'invalid',
  'forbidden',
  'unauthenticated',
  'not-found',
  'too-large',
]);

function outcomeOf(
  { command }: AskedSync,
  result: SyncResult | undefined,
  failure: { readonly error: unknown } | undefined,
  signal: AbortSignal,
): Outcome {
  if (failure === undefined) {
    if (result !== undefined && isPushRefused(result)) return command === 'push' ? 'blocked' : 'partial';
    return result !== undefined && result.missing.length > 0 ? 'partial' : 'ok';
  }
  if (signal.aborted) return 'interrupted';
  if (!isCairnError(failure.error)) return 'transport';
  if (failure.error.kind === 'conflict') return 'blocked';
  return CONFIGURATION.has(failure.error.kind) ? 'configuration' : 'transport';
}

/** What a stock server says instead of refusing a sync of somebody who may only read. */
function isPushRefused({ errors }: SyncResult): boolean {
  return errors.some((text) => /not authorized to push/i.test(text));
}

function problemOf(
  outcome: Outcome,
  result: SyncResult | undefined,
  failure: { readonly error: unknown } | undefined,
): string | undefined {
  if (outcome === 'ok') return undefined;
  if (outcome === 'interrupted') return 'it was stopped';
  if (failure !== undefined) return messageOf(failure.error);
  if (result === undefined) return undefined;
  if (isPushRefused(result)) return `the server takes nothing from this user: ${result.errors.join('; ')}`;
  return `the server does not have everything that its artifacts refer to; missing: ${result.missing.join(', ')}`;
}

function linesOf({ command, repository }: AskedSync, result: SyncResult): string[] {
  const { filesReceived, filesSent, unversionedReceived, unversionedSent, rounds } = result;
  const counts = [
    ...(command === 'push' ? [] : [`${filesReceived} artifacts received`]),
    ...(command === 'clone' || command === 'pull' ? [] : [`${filesSent} artifacts sent`]),
    ...(unversionedReceived === 0 ? [] : [`${unversionedReceived} unversioned files received`]),
    ...(unversionedSent === 0 ? [] : [`${unversionedSent} unversioned files sent`]),
  ];
  const bytes = `${roundedSize(result.bytesReceived)} received, ${roundedSize(result.bytesSent)} sent`;
  const lines = [`${repository}: ${counts.join(', ')} in ${rounds} rounds (${bytes})`];
  return [...lines, ...result.errors.map((text) => `server: ${text}`)];
}

/** The document that `--json` prints: `docs/reference/command-line.md` names every field. */
function documentOf(
  { command, url, repository }: AskedSync,
  outcome: Outcome,
  problem: string | undefined,
  result: SyncResult | undefined,
): string {
  const parsed = parseUrl(url);
  const source = parsed === undefined ? null : displayUrl(parsed);
  return JSON.stringify({ command, outcome, problem: problem ?? null, url: source, repository, ...result });
}
