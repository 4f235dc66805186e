import type { ThreadStatus } from '../../../nostr/collaboration/status.ts';
import type { ThreadKind } from '../../../nostr/collaboration/thread-kind.ts';

/** The words of one kind of thread, in URLs and for people. */
export interface ThreadWords {
  readonly kind: ThreadKind;
  readonly list: 'issues' | 'patches' | 'pulls';
  readonly one: 'issue' | 'patch' | 'pull';
  readonly title: string;
  readonly name: string;
  readonly statuses: Readonly<Record<ThreadStatus, string>>;
}

export const THREAD_WORDS: Readonly<Record<ThreadKind, ThreadWords>> = {
  issue: {
    kind: 'issue',
    list: 'issues',
    one: 'issue',
    title: 'Issues',
    name: 'issue',
    statuses: { open: 'open', applied: 'resolved', closed: 'closed', draft: 'draft' },
  },
  patch: {
    kind: 'patch',
    list: 'patches',
    one: 'patch',
    title: 'Patches',
    name: 'patch',
    statuses: { open: 'open', applied: 'applied', closed: 'closed', draft: 'draft' },
  },
  pull: {
    kind: 'pull',
    list: 'pulls',
    one: 'pull',
    title: 'Pull requests',
    name: 'pull request',
    statuses: { open: 'open', applied: 'merged', closed: 'closed', draft: 'draft' },
  },
};
