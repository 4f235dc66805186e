/** Why a change of a ref is refused: a text for the user, and the class that metrics count it in. */

/** What is wrong, from the point of view of somebody who watches a server. */
export const REFUSAL_CLASSES = [
  /** Another change came first. */
  'overtaken',
  /** The sender may not push here. */
  'identity',
  /** A protection rule, or a mirror that owns the ref. */
  'protected',
  /** A push without a right to write that is not covered by a signed state or a pull request. */
  'signed state',
  /** The name of the ref, or its place among the others. */
  'name',
  /** What the ref would point at, or what that needs. */
  'object',
  /** The pack itself. */
  'pack',
  /** A bound is reached. */
  'limit',
  /** Too much at once: the same push may succeed later. */
  'busy',
  /** A failure of the server, its disk or its store. */
  'server',
] as const;

export type RefusalClass = (typeof REFUSAL_CLASSES)[number];

/** Why a change of a ref is refused. */
export interface RefProblem {
  readonly class: RefusalClass;
  /** For the user. */
  readonly reason: string;
}

/** A refused command. */
export interface Refusal extends RefProblem {
  /** True if another state of the repository might allow the command. */
  readonly byState: boolean;
}
