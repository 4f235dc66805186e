import type { Cooperative } from '../../lib/cooperative.ts';
import { CairnError } from '../../lib/errors.ts';
import type { NostrEvent } from '../../nostr/event.ts';

/** What one client may see, now. It may change between two steps of an answer, and before the answer is sent. */
export interface Visibility {
  /**
   * How many times something may have been hidden so far, for anybody: repositories become private or are withdrawn. While this
   * number stays the same, what was visible is visible.
   */
  hidings(): number;
  visible(event: NostrEvent): boolean;
}

/** How often a count is begun again because something was hidden meanwhile. */
const MOST_RECOUNTS = 3;

/**
 * A count of what is visible when it ends: it is begun again if something was hidden meanwhile.
 * @param count begins a count
 * @throws CairnError `busy` when something is hidden again and again
 */
export function* settledCount(visibility: Visibility, count: () => Cooperative<number>): Cooperative<number> {
  for (let recounts = 0; recounts <= MOST_RECOUNTS; recounts++) {
    const hidings = visibility.hidings();
    const counted = yield* count();
    if (visibility.hidings() === hidings) return counted;
  }
  throw new CairnError('busy', 'access rights changed repeatedly during the count, ask again');
}
