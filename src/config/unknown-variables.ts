import { OPTIONS } from './options.ts';

const OURS = /^CAIRN_/;
/** Variables that are not settings: those of the tests, one that is passed on to git, and what mirrors of a user show remotes. */
const OTHERS =
  /^CAIRN_(?:TEST_|GIT_TRACE2_EVENT$|HTTP_TRACE$|FOSSIL_(?:HTTP_)?PASSWORD$|(?:SOURCE|TARGET|MIRROR)_(?:TOKEN|BEARER_TOKEN|USERNAME|KEY_FILE)$)/;
/** Largest edit distance at which a name is recognized. */
const MOST_WRONG = 3;

/** A variable that looks like a setting but is not one, and the setting with the closest name. */
export interface UnknownVariable {
  readonly name: string;
  readonly meant?: string;
}

/** The variables of an environment that begin with `CAIRN_` and have no effect, sorted by name. */
export function unknownVariables(environment: Readonly<NodeJS.ProcessEnv>): UnknownVariable[] {
  const known: readonly string[] = OPTIONS.map((option) => option.variable);
  return Object.keys(environment)
    .filter((name) => OURS.test(name) && !OTHERS.test(name) && !known.includes(name))
    .sort()
    .map((name) => {
      const meant = nearest(name, known);
      return meant === undefined ? { name } : { name, meant };
    });
}

/** The warning about such a variable. */
export function unknownVariableWarning({ name, meant }: UnknownVariable): string {
  return `${name} is not a setting of Cairn and has no effect${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = MOST_WRONG + 1;
  for (const candidate of known) {
    const wrong = editDistance(name, candidate);
    if (wrong < least) [best, least] = [candidate, wrong];
  }
  return best;
}

/** The number of letters to replace, add or remove to turn one word into the other (Levenshtein). */
function editDistance(left: string, right: string): number {
  let before = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const now = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      now.push(
        Math.min(
          (before[column - 1] ?? 0) + (same ? 0 : 1),
          (before[column] ?? 0) + 1,
          (now[column - 1] ?? 0) + 1,
        ),
      );
    }
    before = now;
  }
  return before[right.length] ?? 0;
}
