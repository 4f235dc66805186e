import type { GitState } from '../../repository/git/git-manifest.ts';
import type { AskingRun } from '../run/ancestry.ts';
import { usualLimits } from '../run/mirror-run.ts';
import type { ImportContext, ImportRequest } from './import-request.ts';

/** Most object ids that are sent to the source as what is here. */
const MOST_HAVES = 20_000;

/** The dependencies of a fetch for an import. */
export function fetchingRun({ git, scratch }: ImportContext, request: ImportRequest): AskingRun {
  const { source, limits, observer, signal } = request;
  return {
    source,
    limits: { ...usualLimits, ...limits },
    scratch: { git, folder: scratch },
    observer,
    signal,
  };
}

/** Known objects that the source leaves out: values of refs, changing ones first. */
export function havesOf(state: GitState | undefined, changing: Iterable<string>): string[] {
  const haves = new Set<string>();
  if (state === undefined) return [];
  for (const name of changing) {
    const oid = state.refs.get(name);
    if (oid !== undefined && haves.size < MOST_HAVES) haves.add(oid);
  }
  for (const oid of state.refs.values()) {
    if (haves.size >= MOST_HAVES) break;
    haves.add(oid);
  }
  return [...haves];
}
