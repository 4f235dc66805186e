/** `cairn mirror probe|plan|sync|replicate|bootstrap|fetch`: from one remote to another, through this machine. */
import { systemClock } from '../../lib/clock.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import { localProblem } from '../../lib/system-error.ts';
import { displayForGit, isForGitAlone } from '../../mirror/fetch-by-git.ts';
import {
  bootstrap,
  type Endpoint,
  fetch,
  type MirrorOptions,
  type Outcome,
  plan,
  probe,
  replicate,
  type SourceOptions,
  sync,
  type Traffic,
} from '../../mirror/mirror.ts';
import type { MirrorMode } from '../../mirror/plan/plan.ts';
import { displayAddress, parseRemoteAddress } from '../../mirror/remote/remote-address.ts';
import type { MirrorResult } from '../../mirror/run/mirror-result.ts';
import { outcomeOf } from '../../mirror/run/run-mirror.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { VERSION } from '../../server/version.ts';
import type { CommandContext } from '../command-context.ts';
import { badValue } from '../flag-values.ts';
import { printable } from '../printable.ts';
import { exitAs } from './mirror-exit.ts';
import { type MirrorFlags, policyOf, protocolOf, scopeOf } from './mirror-flags.ts';
import { documentOf, type Envelope, fetchContent, probeContent, resultContent } from './mirror-json.ts';
import { MirrorProgress } from './mirror-progress.ts';
import { fetchLines, measurementLine, probeLines, resultLines, trafficLines } from './mirror-text.ts';

/** Finds out how one side is reached: by what key, with what token. */
export type EndpointReader = (side: 'source' | 'target', address: string) => Promise<Endpoint>;

/** What a command is asked for. */
export interface MirrorCommand {
  readonly command: string;
  readonly source: string;
  readonly target: string | undefined;
  readonly endpoint: EndpointReader;
  readonly flags: MirrorFlags;
}

/** `cairn mirror sync`, `replicate`, `bootstrap` and `plan`. */
export async function mirrorRun(asked: MirrorCommand, context: CommandContext): Promise<void> {
  await reported(asked, context, async (common) => {
    const { command, flags } = asked;
    const target = await targetOf(asked);
    if (target === undefined) throw new CairnError('invalid', `cairn mirror ${command} needs a target`);
    const options: MirrorOptions = { ...common, target, ...policyOf(flags) };
    const result = await carriedOut(command, options, flags);
    const { outcome } = result;
    return {
      outcome,
      problem: advised(result.problem, result.error),
      content: resultContent(result),
      lines: resultLines(result, command === 'plan'),
      isRefused: isRefused(result),
    };
  });
}

function carriedOut(command: string, options: MirrorOptions, flags: MirrorFlags): Promise<MirrorResult> {
  switch (command) {
    case 'plan':
      return plan({ ...options, mode: modeOf(flags) });
    case 'replicate':
      return replicate(options);
    case 'bootstrap':
      return bootstrap(options);
    default:
      return sync(options);
  }
}

function modeOf({ mode = 'sync' }: MirrorFlags): MirrorMode {
  if (mode === 'sync' || mode === 'replicate' || mode === 'bootstrap') return mode;
  throw badValue('--mode', mode, 'sync, replicate or bootstrap');
}

/** `cairn mirror probe`. */
export async function mirrorProbe(asked: MirrorCommand, context: CommandContext): Promise<void> {
  await reported(asked, context, async (common) => {
    const target = await targetOf(asked);
    const result = await probe({ ...common, ...(target === undefined ? {} : { target }) });
    return { outcome: 'ok', problem: undefined, content: probeContent(result), lines: probeLines(result) };
  });
}

/** `cairn mirror fetch`: a test of what the source sends. */
export async function mirrorFetch(
  asked: MirrorCommand,
  claimed: { readonly have?: readonly string[]; readonly haveRef?: readonly string[] },
  context: CommandContext,
): Promise<void> {
  await reported(asked, context, async (common) => {
    const result = await fetch({ ...common, haves: claimed.have ?? [], haveRefs: claimed.haveRef ?? [] });
    return { outcome: 'ok', problem: undefined, content: fetchContent(result), lines: fetchLines(result) };
  });
}

async function targetOf({ target, endpoint }: MirrorCommand): Promise<Endpoint | undefined> {
  return target === undefined ? undefined : endpoint('target', target);
}

/** What a command reports. */
export interface Report {
  readonly outcome: Outcome;
  readonly problem: string | undefined;
  readonly content: Record<string, unknown>;
  readonly lines: readonly string[];
  /** True if the target has refused something: what it said is printed then. */
  readonly isRefused?: boolean;
}

/** A problem, with where credentials come from if a server wants some, or other ones. */
function advised<T extends string | undefined>(problem: T, error: unknown): T | string {
  if (!(error instanceof RemoteError) || error.facts.status !== 401) return problem;
  return `${problem}. Credentials are CAIRN_SOURCE_TOKEN for the source, CAIRN_TARGET_TOKEN for the target, or those of git's credential helpers`;
}

/** True if the target has refused a ref. */
export function isRefused({ refs }: Pick<MirrorResult, 'refs'>): boolean {
  return refs.some(({ result }) => result?.outcome === 'refused');
}

/** Runs a command and prints its result: lines for people, or one JSON document, whatever happens. */
export async function reported(
  asked: MirrorCommand,
  context: CommandContext,
  work: (common: SourceOptions) => Promise<Report>,
): Promise<void> {
  const { command, source, endpoint, flags } = asked;
  const began = systemClock.monotonic();
  const traffic: Traffic = {};
  let report: Report;
  let targetMessages: readonly string[] = [];
  /** An unexpected error. It ends the program after the document is printed. */
  let fault: { readonly error: unknown } | undefined;
  {
    using observer = new MirrorProgress(process.stderr, systemClock, { isShown: flags.json !== true });
    try {
      report = await work({
        source: await endpoint('source', source),
        scope: scopeOf(flags),
        protocol: protocolOf(flags),
        agent: `cairn/${VERSION}`,
        observer,
        traffic,
        signal: context.signal,
      });
    } catch (error) {
      const cause = localProblem(error) ?? error;
      const outcome = context.signal.aborted ? 'interrupted' : outcomeOf(cause);
      if (!(cause instanceof CairnError) && outcome !== 'interrupted') fault = { error };
      const problem = outcome === 'interrupted' ? 'it was stopped' : advised(messageOf(cause), cause);
      report = { outcome, problem, content: {}, lines: [] };
    }
    if (report.isRefused === true) targetMessages = observer.targetMessages.lines;
  }
  const measurement =
    flags.measure === true
      ? {
          elapsedMilliseconds: Math.round(systemClock.monotonic() - began),
          peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
        }
      : undefined;
  const envelope: Envelope = {
    command,
    outcome: report.outcome,
    problem: report.problem,
    source: shown(source),
    target: asked.target === undefined ? undefined : shown(asked.target),
    traffic: flags.stats === true || flags.measure === true ? traffic : undefined,
    measurement,
  };
  if (flags.json === true) {
    const messages = targetMessages.length === 0 ? {} : { targetMessages };
    context.print(documentOf(envelope, { ...report.content, ...messages }));
  } else {
    const lines = [...report.lines];
    if (envelope.traffic !== undefined) lines.push(...trafficLines(envelope.traffic));
    if (measurement !== undefined) lines.push(measurementLine(measurement));
    if (lines.length > 0) context.print(lines.join('\n'));
    for (const line of targetMessages) process.stderr.write(`${printable(`target: ${line}`)}\n`);
  }
  if (fault !== undefined) throw fault.error;
  exitAs(report.outcome, report.problem);
}

/** An address without what could be a secret; undefined for one that cannot be read. */
function shown(address: string): string | undefined {
  try {
    return isForGitAlone(address) ? displayForGit(address) : displayAddress(parseRemoteAddress(address));
  } catch {
    return undefined;
  }
}
