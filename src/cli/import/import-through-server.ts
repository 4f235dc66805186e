import { readClientSettings } from '../../config/client-settings.ts';
import type { ObjectFormat } from '../../git/index.ts';
import { type ErrorKind, isCairnError } from '../../lib/errors.ts';
import { plan, probe, sync } from '../../mirror/mirror.ts';
import { planRefs } from '../../mirror/plan/plan.ts';
import { nothingInScope, wholeScope } from '../../mirror/plan/ref-scope.ts';
import { absentTarget } from '../../mirror/remote/absent-target.ts';
import type { SourceListing } from '../../mirror/remote/source.ts';
import type { MirrorResult } from '../../mirror/run/mirror-result.ts';
import { formatNpub } from '../../nostr/public-key.ts';
import { gitUrl } from '../../nostr/repository-url.ts';
import type { CommandContext } from '../command-context.ts';
import { readSigner } from '../credential/key.ts';
import { isRefused, type Report } from '../mirror/mirror.ts';
import { policyOf } from '../mirror/mirror-flags.ts';
import { resultContent } from '../mirror/mirror-json.ts';
import { resultLines } from '../mirror/mirror-text.ts';
import { announceIfNew } from '../repository/announce.ts';
import { repositoryArgument } from '../repository-argument.ts';
import { serverOf } from '../server-connection.ts';
import { carryHead } from './carry-head.ts';
import { formatOf, type ImportCommand } from './import-options.ts';

/**
 * Imports through a server that is somewhere else: announces the repository, unless it was, and pushes what the source sends, signed by
 * the user's key.
 */
export async function importThroughServer(command: ImportCommand, context: CommandContext): Promise<Report> {
  const { name, flags, given, common, endpoint } = command;
  const dryRun = flags.dryRun === true;
  const { source, refs } = await probe(common);
  // Before it is announced: a repository that nothing comes into would stay empty.
  if (refs.size === 0) throw nothingInScope('import', source.refs);
  const format = formatOf(flags, source.objectFormat);
  const settings = readClientSettings(given, context.environment);
  const signer = await readSigner(settings);
  const { owner, identifier } = repositoryArgument(name);
  const isPlan = dryRun || isBlocked(source, command);
  // Repositories of others are announced by them.
  const isNew =
    owner === signer.publicKey &&
    !isPlan &&
    (await announceIfNew(identifier, { objectFormat: format }, given, context));
  const server = serverOf(settings);
  const address = gitUrl(server, owner, identifier);
  const target = await endpoint('target', address);
  const options = { ...common, target, ...policyOf(flags) };
  const result: MirrorResult = isPlan ? await plan(options) : await sync(options);
  const { outcome } = result;
  const problem = withOwner(result, owner, signer.publicKey);
  const lines = resultLines(result, dryRun);
  if (isNew) lines.unshift(`announced ${address}`);
  const notice = isPlan
    ? undefined
    : await carryHead(result, { server, identifier, target, signer, signal: context.signal });
  if (notice !== undefined) common.observer?.notice(notice);
  const content = { ...resultContent(result), announced: isNew };
  return { outcome, problem, content, lines, isRefused: isRefused(result) };
}

/** True if the source alone says that a ref cannot be brought in: then nothing is, and a repository that is announced for it would stay empty. */
function isBlocked(source: SourceListing, { common, flags }: ImportCommand): boolean {
  const scope = { ...wholeScope, ...common.scope };
  const policy = { mode: 'sync', force: flags.force ?? false, prune: false } as const;
  const { listing: target } = absentTarget(source.objectFormat);
  const { refs } = planRefs({ source, target, scope, policy }, new Map());
  return flags.bestEffort !== true && refs.some(({ action }) => action === 'block');
}

/**
 * The format of the repository on the server; undefined when there is none, or none that this user may read.
 * @throws as connections do
 */
export async function formatOnServer(
  { name, given, endpoint }: ImportCommand,
  context: CommandContext,
): Promise<ObjectFormat | undefined> {
  const { owner, identifier } = repositoryArgument(name);
  const address = gitUrl(serverOf(readClientSettings(given, context.environment)), owner, identifier);
  try {
    return (await probe({ source: await endpoint('target', address), signal: context.signal })).source
      .objectFormat;
  } catch (error) {
    if (isCairnError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Who is refused a repository of somebody else is not told whether it exists. What it takes is no secret. */
function withOwner(
  { outcome, problem, error }: MirrorResult,
  owner: string,
  user: string,
): string | undefined {
  const isRefused = REFUSALS.some((kind) => isCairnError(error, kind));
  if (outcome !== 'configuration' || owner === user || !isRefused) return problem;
  return `${problem}. The repository is one of ${formatNpub(owner)}, who has to announce it, and to name your key ${formatNpub(user)} as a maintainer`;
}

const REFUSALS: readonly ErrorKind[] = ['not-found', 'unauthenticated', 'forbidden'];
