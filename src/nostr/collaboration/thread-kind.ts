/** What people discuss about a repository (NIP-34): issues, patches, pull requests. */
import { kinds } from '../kinds.ts';

export type ThreadKind = 'issue' | 'patch' | 'pull';

const EVENT_KINDS: Readonly<Record<ThreadKind, number>> = {
  issue: kinds.issue,
  patch: kinds.patch,
  pull: kinds.pullRequest,
};

/** The kind of event that begins a thread. */
export function eventKindOf(kind: ThreadKind): number {
  return EVENT_KINDS[kind];
}

/** What an event of this kind begins; undefined when it begins no thread. */
export function threadKindOf(eventKind: number): ThreadKind | undefined {
  switch (eventKind) {
    case kinds.issue:
      return 'issue';
    case kinds.patch:
      return 'patch';
    case kinds.pullRequest:
      return 'pull';
    default:
      return undefined;
  }
}

/** Values of `t` tags by which patches say what they are in a thread; they are no labels. */
export const PATCH_MARKS: ReadonlySet<string> = new Set(['root', 'root-revision', 'revision-root']);
