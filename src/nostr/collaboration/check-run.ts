/**
 * Results of continuous integration: the draft NIP-C1 of ngit-ci ("Nostr CI: CI Extension to NIP-34"), kinds 9841 (job
 * result), 9842 (workflow result), 39842 (progress), 9840 (manual trigger), 9843 and 9844 (service request and stop).
 */
import { isDigest } from '../../lib/digest.ts';
import { parseAddress } from '../address.ts';
import type { NostrEvent } from '../event.ts';
import { kinds } from '../kinds.ts';
import { firstValue, tagsNamed, values } from '../tags.ts';
import { oneLine } from './clean-text.ts';

export type Conclusion =
  | 'success'
  | 'failure'
  | 'neutral'
  | 'cancelled'
  | 'skipped'
  | 'timed_out'
  | 'startup_failure';

const CONCLUSIONS: ReadonlySet<string> = new Set<Conclusion>([
  'success',
  'failure',
  'neutral',
  'cancelled',
  'skipped',
  'timed_out',
  'startup_failure',
]);

/** What all events about a run say. */
interface RunContext {
  readonly id: string;
  /** The signer: a coordinator, or for a job the one that ran it. */
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  /** Object id of the commit that was run. */
  readonly commit: string;
  /** Path of the workflow's file. */
  readonly workflow: string;
  /** Id of the pull request, if it ran for one. */
  readonly pullRequest?: string;
}

/** A whole run: finished (9842), or under way (39842). */
export interface WorkflowRun extends RunContext {
  /** False for progress, which may change: a result (9842) takes its place. */
  readonly final: boolean;
  /** Absent while it is under way. */
  readonly conclusion?: Conclusion;
  readonly status: 'queued' | 'in_progress' | 'concluded';
  /** Ids of the results of its jobs. */
  readonly jobs: readonly string[];
  /** The name of the run, which its progress and its result share. */
  readonly run?: string;
}

/** The result of one job (9841). */
export interface JobResult extends RunContext {
  readonly job: string;
  readonly conclusion: Conclusion;
  /** Where the log is; http or https. */
  readonly logs?: string;
}

/** A maintainer's word to a coordinator: run something (9840), serve a repository (9843), or stop (9844). */
export interface CheckRequest {
  readonly id: string;
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  readonly coordinator: string;
  readonly asks: 'once' | 'serve' | 'stop';
}

const TEXT = 200;
const MOST_JOBS = 100;
const STATUSES: ReadonlySet<string> = new Set(['queued', 'in_progress', 'concluded']);

/** Reads a result or the progress of a run. @returns undefined for another or a malformed event */
export function parseWorkflowRun(event: NostrEvent): WorkflowRun | undefined {
  const isProgress = event.kind === kinds.ciWorkflowProgress;
  if (!isProgress && event.kind !== kinds.ciWorkflowResult) return undefined;
  const context = contextOf(event);
  if (context === undefined) return undefined;
  const conclusion = conclusionOf(event);
  const status = isProgress ? (firstValue(event, 'status') ?? '') : 'concluded';
  if (!isStatus(status) || (status === 'concluded') !== (conclusion !== undefined)) return undefined;
  const run = isProgress
    ? firstValue(event, 'd')
    : values(event, 'r').find((value) => !value.startsWith('refs/'));
  const quotes = tagsNamed(event, 'q').filter(([, , , , marker]) => !REQUEST_MARKS.has(marker ?? ''));
  return {
    ...context,
    final: !isProgress,
    ...(conclusion === undefined ? {} : { conclusion }),
    status,
    jobs: quotes.flatMap(([, id = '']) => (isDigest(id) ? id : [])).slice(0, MOST_JOBS),
    ...(run === undefined ? {} : { run }),
  };
}

/** Reads the result of a job. @returns undefined for another or a malformed event */
export function parseJobResult(event: NostrEvent): JobResult | undefined {
  if (event.kind !== kinds.ciJobResult) return undefined;
  const context = contextOf(event);
  const conclusion = conclusionOf(event);
  const job = oneLine(firstValue(event, 'name') ?? firstValue(event, 'job') ?? '', TEXT);
  if (context === undefined || conclusion === undefined || job === '') return undefined;
  const logs = webAddress(firstValue(event, 'logs') ?? '');
  return { ...context, job, conclusion, ...(logs === undefined ? {} : { logs }) };
}

/** Reads a request to a coordinator. @returns undefined for another event, or one that names several */
export function parseCheckRequest(event: NostrEvent): CheckRequest | undefined {
  const asks = ASKS.get(event.kind);
  const [coordinator, another] = values(event, 'p');
  if (asks === undefined || coordinator === undefined || another !== undefined) return undefined;
  if (event.content !== '' || !isDigest(coordinator)) return undefined;
  return { id: event.id, author: event.pubkey, at: event.created_at, coordinator, asks };
}

const ASKS: ReadonlyMap<number, CheckRequest['asks']> = new Map<number, CheckRequest['asks']>([
  [kinds.ciManualTrigger, 'once'],
  [kinds.ciServiceRequest, 'serve'],
  [kinds.ciServiceStop, 'stop'],
]);

/** Quotes with these marks are of what asked for the run, not of its jobs. */
const REQUEST_MARKS: ReadonlySet<string> = new Set(['service-request', 'manual-trigger']);

function contextOf(event: NostrEvent): RunContext | undefined {
  const commit = firstValue(event, 'c') ?? '';
  const workflow = oneLine(firstValue(event, 'w') ?? '', TEXT);
  const isAboutRepository = values(event, 'a').some((a) => parseAddress(a)?.kind === kinds.repository);
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit) || workflow === '' || !isAboutRepository)
    return undefined;
  const pullRequest = values(event, 'E').find(isDigest);
  const { id, pubkey: author, created_at: at } = event;
  return { id, author, at, commit, workflow, ...(pullRequest === undefined ? {} : { pullRequest }) };
}

function conclusionOf(event: NostrEvent): Conclusion | undefined {
  const text = firstValue(event, 'conclusion') ?? '';
  return isConclusion(text) ? text : undefined;
}

function isConclusion(text: string): text is Conclusion {
  return CONCLUSIONS.has(text);
}

function isStatus(text: string): text is WorkflowRun['status'] {
  return STATUSES.has(text);
}

function webAddress(text: string): string | undefined {
  const url = text.length <= 1_000 && URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) ? url.href : undefined;
}
