/** Pushes without a token of their own (GRASP-01): they must do exactly what a held signed state says. */
import { mergedRefNames } from '../git/index.ts';
import { type Parsed, parsed, refused } from '../nostr/parsed.ts';
import { currentStates, newestState, type StateStamp } from './state-precedence.ts';

/** A signed state that is held until its objects arrive. */
export interface HeldState extends StateStamp {
  /** All branches and tags it wants. */
  readonly refs: ReadonlyMap<string, string>;
  /** The branch that HEAD is to name. */
  readonly head?: string;
  /**
   * True when its author has not said that it is meant for this repository. Refusals then show the state's content only to
   * its author.
   */
  readonly authorOnly?: boolean;
}

/** How many differences a refusal lists; it only counts the rest. */
const maxShown = 3;

/**
 * Finds the held state that a push applies.
 * @param after all branches and tags there would be after the push
 * @param held states that may be applied now: signed by keys that may write, and newer than the one applied last. Of one
 *   author only the newest counts
 * @param caller the key that the sender has shown
 * @returns the newest state that wants exactly these refs, or how they differ from what the newest one wants
 */
export function matchHeldState<State extends HeldState>(
  after: ReadonlyMap<string, string>,
  held: readonly State[],
  caller?: string,
): Parsed<State> {
  const match = newestState(currentStates(held).filter((state) => isSame(after, state.refs)));
  if (match !== undefined) return parsed(match);
  const newest = newestState(held);
  if (newest === undefined) {
    return refused(
      'no signed state is waiting for this push: sign one first (kind 30618), then push exactly that',
    );
  }
  const differing = newest.authorOnly && newest.author !== caller ? differencesInPush : differences;
  return refused(
    `the push does not match the signed state ${newest.id.slice(0, 8)}: ${differing(after, newest.refs)}`,
  );
}

function isSame(after: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): boolean {
  return after.size === wanted.size && [...wanted].every(([name, oid]) => after.get(name) === oid);
}

function differences(after: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): string {
  const different: string[] = [];
  for (const name of mergedRefNames(after, wanted)) {
    if (after.get(name) !== wanted.get(name)) different.push(name);
  }
  const shown = different.slice(0, maxShown).map((name) => {
    const [is, shall] = [after.get(name), wanted.get(name)];
    if (is === undefined) return `${name} is missing`;
    if (shall === undefined) return `${name} is not in it`;
    return `${name} would be ${is.slice(0, 8)} and shall be ${shall.slice(0, 8)}`;
  });
  const rest = different.length - shown.length;
  return shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** Differences that show nothing of the state but what the push itself says. */
function differencesInPush(after: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): string {
  const wrong = [...after].filter(([name, oid]) => wanted.get(name) !== oid);
  const shown = wrong.slice(0, maxShown).map(([name, oid]) => `${name} is not ${oid.slice(0, 8)} in it`);
  const rest = wrong.length - shown.length;
  const told =
    shown.length === 0 ? 'refs are missing' : shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
  return `${told}; push with a token of the key that signed it to see what it says`;
}
