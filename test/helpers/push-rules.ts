import type { HeldState } from '../../src/policy/state-match.ts';
import type { PushAuthority } from '../../src/transfer/push/authority.ts';
import type { PushChangeOptions } from '../../src/transfer/push/change.ts';
import { ID } from './repository-rig.ts';

/**
 * What a push is measured by, without git and without a store: nothing waits, no push has come after the last signed state, and
 * every update is a fast-forward.
 */
export function rulesFor(
  authority: PushAuthority,
  parts: Partial<PushChangeOptions['rules']> & { readonly heldStates?: readonly HeldState[] } = {},
): PushChangeOptions['rules'] {
  const { heldStates = [], ...rest } = parts;
  return {
    id: ID,
    authority,
    heldIn: async () => heldStates,
    lastSet: async (state) => state?.refs ?? new Map(),
    pullRequestTip: () => undefined,
    strangers: (brings) => ({ limits: { bytes: 1_000, objects: 100, refs: 400 }, now: 0, brings }),
    keepsHistory: async () => true,
    onlyWitnesses: () => true,
    ...rest,
  };
}
