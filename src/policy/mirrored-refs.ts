/**
 * Refs of a pull mirror: others must not change them, because the next run would undo it. The published state
 * names the mirrors, so that no change commits without knowing of them.
 */

/**
 * Where a pull mirror puts what it brings.
 * - `follow`: the repository becomes what the source is, under the same names
 * - `namespace`: under `refs/mirrors/<name of the mirror>/`, beside what is pushed
 */
export type MirrorPlacement = 'follow' | 'namespace';

/** A pull mirror of a repository, as the published state names it. */
export interface PullMirror {
  /** Random: a mirror that is removed and added again under its name is another one. */
  readonly id: string;
  readonly name: string;
  readonly refs: MirrorPlacement;
}

/** What all mirrors in namespaces share. */
const NAMESPACES = 'refs/mirrors/';
/** Tips of pull requests: they belong to this server, whatever a repository follows. */
const PULL_REQUESTS = 'refs/nostr/';

/** The prefix of the refs that a mirror in a namespace brings. @param name of the mirror */
export function mirrorNamespace(name: string): string {
  return `${NAMESPACES}${name}/`;
}

/**
 * Why nobody but a mirror may change a ref, or HEAD; undefined when others may.
 * @param mirrors the pull mirrors of the repository; undefined when there are none
 */
export function mirroredRefProblem(
  mirrors: readonly PullMirror[] | undefined,
  ref: string,
): string | undefined {
  if (mirrors === undefined) return undefined;
  const followed = mirrors.find(({ refs }) => refs === 'follow');
  if (followed !== undefined && !ref.startsWith(PULL_REQUESTS)) {
    return `mirrored: this repository follows its mirror "${followed.name}": push to the source of it, or remove the mirror`;
  }
  const inNamespace = mirrors.some(({ refs }) => refs === 'namespace');
  if (inNamespace && ref.startsWith(NAMESPACES)) return `mirrored: only mirrors write below ${NAMESPACES}`;
  return undefined;
}
