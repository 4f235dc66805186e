import type { ObjectFormat } from '../../git/index.ts';
import { counted } from '../../lib/counted.ts';
import { roundedSize } from '../../lib/format-size.ts';
import type { ImportRequest, ImportResult } from '../../mirror/import/import-request.ts';
import { openSource, type SourceOptions } from '../../mirror/mirror.ts';
import { silent } from '../../mirror/observer.ts';
import { checkScope, refPrefixes, wholeScope } from '../../mirror/plan/ref-scope.ts';
import { parseRemoteAddress } from '../../mirror/remote/remote-address.ts';
import type { Source } from '../../mirror/remote/source.ts';
import type { CommandContext } from '../command-context.ts';
import type { Report } from '../mirror/mirror.ts';
import { policyOf } from '../mirror/mirror-flags.ts';
import { resultContent } from '../mirror/mirror-json.ts';
import { resultLines } from '../mirror/mirror-text.ts';
import { formatOf, type ImportCommand, piecesOf } from './import-options.ts';

/**
 * Imports with nothing but a store, beside running servers. The source is asked for its refs while the rest of the program is loaded and
 * the store is opened.
 */
export async function importIntoStore(command: ImportCommand, context: CommandContext): Promise<Report> {
  const { common, given, flags } = command;
  // A source that answers late, or never, is given up if the store cannot be used.
  const leaving = new AbortController();
  const opening = openForImport(common, AbortSignal.any([context.signal, leaving.signal]));
  const settled = Promise.allSettled([opening]);
  try {
    const [{ withStoreAndGit }, { importIntoOpened }] = await Promise.all([
      import('../store-and-git.ts'),
      import('./import-into-opened.ts'),
    ]);
    return await withStoreAndGit('import', given, context, async (opened) => {
      const source = await opening;
      formatOf(flags, source.listing.objectFormat);
      const result = await importIntoOpened(opened, command.name, requestOf(command, source, context.signal));
      return reportOf(result, flags.dryRun === true);
    });
  } catch (error) {
    leaving.abort(error);
    throw error;
  } finally {
    const [source] = await settled;
    if (source.status === 'fulfilled') await source.value[Symbol.asyncDispose]();
  }
}

/** The format of the repository in the store; undefined when there is none. */
export async function formatInStore(
  { name, given }: ImportCommand,
  context: CommandContext,
): Promise<ObjectFormat | undefined> {
  let format: ObjectFormat | undefined;
  const { withRepository } = await import('../repository/repo.ts');
  await withRepository(name, given, context, 'reads', async (repository) => {
    format = (await repository.resolve())?.manifest.objectFormat;
  });
  return format;
}

function requestOf(
  { flags, common }: ImportCommand,
  source: Source,
  signal: AbortSignal,
): Omit<ImportRequest, 'repository' | 'create'> {
  const policy = policyOf(flags);
  return {
    source,
    scope: { ...wholeScope, ...common.scope },
    policy: { mode: 'sync', force: policy.force ?? false, prune: policy.prune ?? false },
    dryRun: flags.dryRun ?? false,
    bestEffort: policy.bestEffort ?? false,
    pieces: piecesOf(flags),
    limits: { maxPackBytes: policy.limits?.maxPackBytes },
    observer: common.observer ?? silent,
    signal,
  };
}

async function openForImport(common: SourceOptions, signal: AbortSignal): Promise<Source> {
  const scope = { ...wholeScope, ...common.scope };
  checkScope(scope);
  common.observer?.phase('listing');
  return openSource(parseRemoteAddress(common.source.address), common, refPrefixes(scope), signal);
}

function reportOf(result: ImportResult, isPlan: boolean): Report {
  const { outcome, problem, packs, objects, bytes, state } = result;
  const whole = { ...result, target: undefined };
  const lines = resultLines(whole, isPlan);
  const inPacks = packs === 1 ? 'one pack' : `${packs} packs`;
  if (packs > 0) lines.push(`${counted(objects, 'object')} in ${inPacks}, ${roundedSize(bytes)}`);
  const imported = { packs, objects, bytes, state: state ?? null };
  return { outcome, problem, content: { ...resultContent(whole), imported }, lines };
}
