import { OPTIONS } from './options.ts';

const OURS = /^CAIRN_/;
/** Variables that are no settings: of the tests, and the one that is handed on to git. */
const OTHERS = /^CAIRN_(?:TEST_|GIT_TRACE2_EVENT$)/;
/** So many letters may be wrong, missing or too many in a name that is recognized. */
const MOST_WRONG = 3;

/** A variable that looks like a setting and is none, and the setting whose name is nearest. */
export interface UnknownVariable {
  readonly name: string;
  readonly meant?: string;
}

/** The variables of an environment that begin with `CAIRN_` and set nothing, in order of their names. */
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

/** What to tell a person of such a variable. */
export function unknownVariableWarning({ name, meant }: UnknownVariable): string {
  return `${name} is no setting of Cairn and changes nothing${meant === undefined ? '' : `: is ${meant} meant?`}`;
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

/** Letters to replace, add or remove to make one word of the other (Levenshtein). */
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
