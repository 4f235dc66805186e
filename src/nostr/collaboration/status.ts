/** Statuses of issues, patches and pull requests (NIP-34, kinds 1630 to 1633). */
import { isDigest } from '../../lib/digest.ts';
import type { NostrEvent } from '../event.ts';
import { expirationOf } from '../expiration.ts';
import { kinds } from '../kinds.ts';
import { firstValue, tagsNamed, values } from '../tags.ts';
import { subjectOf } from './references.ts';

/** `applied`: a patch that was applied, a pull request that was merged, an issue that is resolved. */
export type ThreadStatus = 'open' | 'applied' | 'closed' | 'draft';

export const THREAD_STATUSES: readonly [ThreadStatus, ...ThreadStatus[]] = [
  'open',
  'applied',
  'closed',
  'draft',
];

export const STATUS_KINDS: ReadonlyMap<number, ThreadStatus> = new Map<number, ThreadStatus>([
  [kinds.statusOpen, 'open'],
  [kinds.statusApplied, 'applied'],
  [kinds.statusClosed, 'closed'],
  [kinds.statusDraft, 'draft'],
]);

export interface StatusChange {
  readonly id: string;
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  readonly status: ThreadStatus;
  /** Id of the event that begins the thread. */
  readonly thread: string;
  /** Ids of the patches that were applied: a status of a thread counts for those revisions that it names. */
  readonly applied: readonly string[];
  /** Object ids: the commit of the merge, and those that the patches became. */
  readonly commits: readonly string[];
  /** Why; Markdown. */
  readonly content: string;
  /** Seconds; from then on it does not count (NIP-40). */
  readonly expires?: number;
}

const MOST_COMMITS = 50;

/** Reads a status. @returns undefined for another event, or one that names no thread */
export function parseStatus(event: NostrEvent): StatusChange | undefined {
  const status = STATUS_KINDS.get(event.kind);
  const thread = subjectOf(event);
  if (status === undefined || thread === undefined) return undefined;
  const merge = firstValue(event, 'merge-commit');
  const appliedAs = tagsNamed(event, 'applied-as-commits').flatMap((tag) => tag.slice(1));
  const commits = [...(merge === undefined ? [] : [merge]), ...appliedAs].filter(isCommit);
  const expires = expirationOf(event);
  return {
    id: event.id,
    author: event.pubkey,
    at: event.created_at,
    status,
    thread,
    applied: [...values(event, 'q'), ...values(event, 'e')].filter(isDigest),
    commits: [...new Set(commits)].slice(0, MOST_COMMITS),
    content: event.content,
    ...(expires === undefined ? {} : { expires }),
  };
}

function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}
