import { readClientSettings } from '../config/client-settings.ts';
import { CairnError } from '../lib/errors.ts';
import { plan, probe, sync } from '../mirror/mirror.ts';
import type { MirrorResult } from '../mirror/run/mirror-result.ts';
import { gitUrl } from '../nostr/repository-url.ts';
import { announceIfNew } from './announce.ts';
import type { CommandContext } from './command-context.ts';
import { formatOf, type ImportCommand } from './import-options.ts';
import { readSigner } from './key.ts';
import type { Report } from './mirror.ts';
import { policyOf } from './mirror-flags.ts';
import { resultContent } from './mirror-json.ts';
import { resultLines } from './mirror-text.ts';
import { repositoryArgument } from './repository-argument.ts';
import { serverOf } from './server-connection.ts';

/**
 * Imports through a server that is somewhere else: announces the repository, unless it was, and pushes what the source sends, signed by
 * the user's key.
 */
export async function importThroughServer(command: ImportCommand, context: CommandContext): Promise<Report> {
  const { name, flags, given, common, endpoint } = command;
  const dryRun = flags.dryRun === true;
  const { source, refs } = await probe(common);
  // Before it is announced: a repository that nothing comes into would stay empty.
  if (refs.size === 0) {
    const hint = source.refs.size === 0 ? 'it has no refs' : 'no ref of it is in scope';
    throw new CairnError('invalid', `the source has nothing to import: ${hint}`);
  }
  const format = formatOf(flags, source.objectFormat);
  const isNew = await announced(command, format, dryRun, context);
  const { owner, identifier } = repositoryArgument(name);
  const address = gitUrl(serverOf(readClientSettings(given, context.environment)), owner, identifier);
  const options = { ...common, target: await endpoint('target', address), ...policyOf(flags) };
  const result: MirrorResult = dryRun ? await plan(options) : await sync(options);
  const { outcome, problem } = result;
  const lines = resultLines(result, dryRun);
  if (isNew) lines.unshift(`announced ${address}`);
  return { outcome, problem, content: { ...resultContent(result), announced: isNew }, lines };
}

/** Repositories of others are announced by them. */
async function announced(
  { name, given }: ImportCommand,
  objectFormat: string,
  dryRun: boolean,
  context: CommandContext,
): Promise<boolean> {
  const { owner, identifier } = repositoryArgument(name);
  const { publicKey } = await readSigner(readClientSettings(given, context.environment));
  if (owner !== publicKey || dryRun) return false;
  return announceIfNew(identifier, { objectFormat }, given, context);
}
