/** Pull requests (NIP-34, kind 1618) and their updates (1619). */
import type { NostrEvent } from '../event.ts';
import { kinds } from '../kinds.ts';
import { allValues, firstValue } from '../tags.ts';
import { oneLine } from './clean-text.ts';
import { threadOf } from './references.ts';

/** A tip that a pull request had, from when it began or since an update. */
export interface PullRequestVersion {
  /** Id of the event: the tip is pushed to `refs/nostr/<id>`. */
  readonly id: string;
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  /** Id of the pull request. */
  readonly thread: string;
  /** Object id of the tip; absent when the event names none that could be one. */
  readonly tip?: string;
  /** Where it branched off, as the author says. */
  readonly mergeBase?: string;
  /** URLs for git where the tip is, as the author says: http, https, git or ssh. */
  readonly clone: readonly string[];
  /** What the author would call the branch. */
  readonly branch?: string;
}

const MOST_URLS = 5;
const URL_LENGTH = 500;
const BRANCH = 200;

/** Reads a pull request or an update. @returns undefined for another event */
export function parsePullRequestVersion(event: NostrEvent): PullRequestVersion | undefined {
  const isUpdate = event.kind === kinds.pullRequestUpdate;
  if (!isUpdate && event.kind !== kinds.pullRequest) return undefined;
  const thread = isUpdate ? threadOf(event) : event.id;
  if (thread === undefined) return undefined;
  const [tip, mergeBase] = [commitIn(event, 'c'), commitIn(event, 'merge-base')];
  const branch = oneLine(firstValue(event, 'branch-name') ?? '', BRANCH);
  return {
    id: event.id,
    author: event.pubkey,
    at: event.created_at,
    thread,
    ...(tip === undefined ? {} : { tip }),
    ...(mergeBase === undefined ? {} : { mergeBase }),
    clone: allValues(event, 'clone').filter(isCloneUrl).slice(0, MOST_URLS),
    ...(branch === '' ? {} : { branch }),
  };
}

function commitIn(event: NostrEvent, tag: string): string | undefined {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.exec(firstValue(event, tag) ?? '')?.[0];
}

/** People copy the URL into a command: it must be a URL, and git must not take it for something that runs. */
function isCloneUrl(text: string): boolean {
  if (text.length > URL_LENGTH || !/^(?:https?|git|ssh):\/\/[\x21-\x7e]+$/i.test(text)) return false;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && url.hostname !== '' && !url.hostname.startsWith('-') && url.password === '';
}
