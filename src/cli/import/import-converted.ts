/** The first part of `cairn import --object-format sha256` of a SHA-1 source: its history is fetched and rewritten on this machine. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Git } from '../../git-process/git.ts';
import { counted } from '../../lib/counted.ts';
import { sha256 } from '../../lib/digest.ts';
import { CairnError } from '../../lib/errors.ts';
import { openOwnFolder } from '../../lib/make-folder.ts';
import {
  type ConversionForecast,
  type ConversionObserver,
  type ConvertedHistory,
  type ConvertedRef,
  originNotesRef,
} from '../../mirror/convert/conversion.ts';
import { convertHistory, forecastConversion } from '../../mirror/convert/convert-history.ts';
import { fetchForConversion } from '../../mirror/import/fetch-for-conversion.ts';
import { OWN_PREFIXES } from '../../mirror/import/plan-import.ts';
import { openSource, type SourceOptions } from '../../mirror/mirror.ts';
import { type MirrorObserver, silent } from '../../mirror/observer.ts';
import {
  checkScope,
  desiredRefs,
  nothingInScope,
  type RefScope,
  refPrefixes,
  unusableReason,
  unusableRefs,
  wholeScope,
} from '../../mirror/plan/ref-scope.ts';
import { parseRemoteAddress } from '../../mirror/remote/remote-address.ts';
import type { Source } from '../../mirror/remote/source.ts';
import { usualLimits } from '../../mirror/run/mirror-run.ts';
import type { CommandContext } from '../command-context.ts';
import type { Report } from '../mirror/mirror.ts';
import { policyOf } from '../mirror/mirror-flags.ts';
import type { ImportCommand, ImportFlags } from './import-options.ts';

/**
 * Converts the source, then goes on with the converted repository as the source. What is lost is said before anything is converted. An
 * import that is interrupted goes on when it is run again, because the work stays in a folder until it is done.
 */
export async function importConverted(
  command: ImportCommand,
  context: CommandContext,
  goOn: (converted: ImportCommand) => Promise<Report>,
): Promise<Report> {
  const { flags, common, name } = command;
  const { observer = silent } = common;
  if (flags.prune === true) {
    throw new CairnError('invalid', '--prune is not possible while a history is converted');
  }
  const folder = join(flags.workFolder ?? tmpdir(), `cairn-convert-${workName(common, name)}`);
  // Private data of the source stays private. Git runs in this folder, so others must not be able to put settings there.
  await openOwnFolder(folder, 'conversion');
  await using git = await openPlainGit(folder);
  const work = { command, context, observer, folder, git: git.git };
  const { options, forecast, conversion } = await prepare(work);
  for (const line of forecastLines(forecast)) observer.notice(line);
  if (forecast.refusals.length > 0) {
    throw new CairnError('invalid', `this history cannot be converted: ${forecast.refusals.join('; ')}`);
  }
  if (flags.dryRun === true) {
    return { outcome: 'ok', problem: undefined, content: { conversion: { forecast } }, lines: [] };
  }
  observer.notice(`converting in ${folder}; if it is interrupted, the same command goes on`);
  const converted = await convertHistory(conversion, options);
  const report = await bringIn(command, converted, goOn);
  if (report.outcome === 'ok') await rm(folder, { recursive: true, force: true });
  return { ...report, content: { ...report.content, conversion: conversionContent(converted) } };
}

/** Brings in what was converted: first the history, then the notes with old ids, which are made anew each time. */
async function bringIn(
  { flags, common, ...others }: ImportCommand,
  converted: ConvertedHistory,
  goOn: (converted: ImportCommand) => Promise<Report>,
): Promise<Report> {
  const { objectFormat: _reached, ...rest } = flags;
  const bring = (scope: Partial<RefScope>, more: Partial<ImportFlags> = {}) =>
    goOn({
      ...others,
      flags: { ...rest, ...more },
      common: {
        ...common,
        source: { address: converted.gitDir },
        protocol: 'auto',
        scope: { ...wholeScope, allRefs: true, ...scope },
      },
    });
  const report = await bring({ excludedRefs: [originNotesRef] });
  if (report.outcome !== 'ok' || !converted.refs.some(({ name }) => name === originNotesRef)) return report;
  const notes = await bring(
    { mappings: [{ source: originNotesRef, target: originNotesRef }] },
    { force: true },
  );
  return notes.outcome === 'ok' ? report : notes;
}

/** The same for the same import, so that it is found again. */
function workName({ source }: SourceOptions, name: string): string {
  return sha256(`${source.address}\n${name}`).slice(0, 16);
}

interface Work {
  readonly command: ImportCommand;
  readonly context: CommandContext;
  readonly observer: MirrorObserver;
  readonly folder: string;
  readonly git: Git;
}

/** Fetches what is to be converted, and finds out what the conversion will lose. */
async function prepare({ command, context, observer, folder, git }: Work) {
  const { common, flags } = command;
  const { signal } = context;
  const scope = { ...wholeScope, ...common.scope };
  checkScope(scope);
  observer.phase('listing');
  await using source = await openSource(
    parseRemoteAddress(common.source.address),
    common,
    refPrefixes(scope),
    signal,
  );
  const [unusable] = unusableRefs(scope, source.listing.unusable);
  if (unusable !== undefined && flags.bestEffort !== true) {
    throw new CairnError('invalid', `${unusable.shownName}: ${unusableReason(unusable)}`);
  }
  const refs = refsToConvert(scope, source);
  const limits = { ...usualLimits, ...policyOf(flags).limits };
  const run = { source, limits, scratch: { git, folder }, observer, signal };
  const wants = refs.map(({ oid }) => oid);
  const gitDir = await fetchForConversion(run, folder, wants);
  const conversion = { git, gitDir, folder: join(folder, 'work'), signal, observer: progressOf(observer) };
  const head = headOf(scope, source);
  const options = { refs, ...(head === undefined ? {} : { head }) };
  return { options, conversion, forecast: await forecastConversion(conversion, options) };
}

/** Under the names that they are to have. */
function refsToConvert(scope: RefScope, { listing }: Source): ConvertedRef[] {
  const refs: ConvertedRef[] = [];
  for (const { source, target, oid } of desiredRefs(scope, listing.refs)) {
    if (OWN_PREFIXES.some((prefix) => source.startsWith(prefix))) continue;
    if (oid === undefined) throw new CairnError('invalid', `the source has no ${source}`);
    refs.push({ name: target, oid });
  }
  if (refs.length === 0) throw nothingInScope('import', listing.refs);
  return refs;
}

function headOf(scope: RefScope, { listing }: Source): string | undefined {
  return desiredRefs(scope, listing.refs).find(({ source }) => source === listing.head?.target)?.target;
}

function progressOf(observer: MirrorObserver): ConversionObserver {
  let totals = '';
  let shown = 0;
  return {
    began: (step, total) => {
      totals = total === 0 ? '' : ` of ${total}`;
      shown = 0;
      observer.phase('local', step);
    },
    advanced: (step, done) => {
      if (done < shown + 1_000) return;
      shown = done;
      observer.phase('local', `${step} ${done}${totals}`);
    },
  };
}

/** What a conversion loses, for people. */
function forecastLines(forecast: ConversionForecast): string[] {
  const { objects, signaturesOfCommits, signaturesOfTags, mergetags, mentions, ambiguousMentions } = forecast;
  const { commits, tags, trees, blobs } = objects;
  const lines = [
    `to convert from sha1 to sha256: ${counted(commits, 'commit')}, ${counted(tags, 'tag')}, ${counted(trees, 'folder')}, ${counted(blobs, 'file')}. Every object gets another id`,
  ];
  const lost = [
    ...(signaturesOfCommits > 0 ? [`${counted(signaturesOfCommits, 'signature')} of commits`] : []),
    ...(signaturesOfTags > 0 ? [`${counted(signaturesOfTags, 'signature')} of tags`] : []),
    ...(mergetags > 0 ? [`${counted(mergetags, 'signed tag')} within merges`] : []),
  ];
  lines.push(`lost: ${lost.length === 0 ? 'nothing' : lost.join(', ')}`);
  lines.push(`ids in messages: ${mentions} rewritten, ${ambiguousMentions} ambiguous`);
  return lines;
}

function conversionContent({ objects, tally, notes, renamedRefs, forecast }: ConvertedHistory) {
  return { objects, tally, notes, renamedRefs, forecast };
}

async function openPlainGit(home: string): Promise<AsyncDisposable & { readonly git: Git }> {
  const git = new Git({ binary: 'git', home });
  return { git, [Symbol.asyncDispose]: () => git.close() };
}
