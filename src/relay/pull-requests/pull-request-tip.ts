import { isObjectId } from '../../git/index.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import { firstValue } from '../../nostr/tags.ts';

/** True for a pull request (1618) and for an update of one (1619). */
export function isPullRequest({ kind }: Pick<NostrEvent, 'kind'>): boolean {
  return kind === kinds.pullRequest || kind === kinds.pullRequestUpdate;
}

/** The commit that a pull request or its update names in its `c` tag (NIP-34); undefined when it names none. */
export function tipOf(event: NostrEvent): string | undefined {
  const tip = isPullRequest(event) ? firstValue(event, 'c') : undefined;
  return tip !== undefined && (isObjectId(tip, 'sha1') || isObjectId(tip, 'sha256')) ? tip : undefined;
}
