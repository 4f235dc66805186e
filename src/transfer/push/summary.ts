import { cleanReason, type ReceivedCommand, type RefStatus } from '../../git/index.ts';
import type { RefusalClass } from '../../policy/refusal.ts';
import type { HeldState } from '../../policy/state-match.ts';

/** The outcome for one ref of a push. */
export interface PushedRef {
  readonly ref: string;
  /** Old and new object id; zeros for none. */
  readonly from: string;
  readonly to: string;
  /** Why it was refused; absent if it was accepted. */
  readonly refused?: string;
}

/** The outcome of a push, for logs and metrics. */
export interface PushSummary {
  /** The first refs, refused ones first; names and reasons are shortened. */
  readonly refs: readonly PushedRef[];
  /** The classes of all refusals, one a ref. */
  readonly refusals: readonly RefusalClass[];
  readonly accepted: number;
  readonly refused: number;
  readonly packBytes: number;
  /** Digest of the manifest published; undefined when nothing was. */
  readonly manifest: string | undefined;
  /** Why the pack was not taken in, as the client was told. */
  readonly reason?: string;
  /** The signed state that was applied; it is still in the list of held states. */
  readonly signedState?: HeldState;
  /** What went wrong on the server's side, of which the client was told no more than it can act on. */
  readonly err?: unknown;
}

/** The summary of a request without a push, or of one that could not be parsed. */
export const NOTHING_PUSHED: PushSummary = {
  refs: [],
  refusals: [],
  accepted: 0,
  refused: 0,
  packBytes: 0,
  manifest: undefined,
};

/** Maximum number of refs in a summary, and maximum bytes of a name and of a reason. */
const LISTED = 10;
const LONGEST = 300;

/** Summarizes the refs of a push. `statuses` are those of `commands`, in the same order. */
export function summarizeRefs(
  commands: readonly ReceivedCommand[],
  statuses: readonly RefStatus[],
): Pick<PushSummary, 'refs' | 'accepted' | 'refused'> {
  const positions = [...statuses.keys()];
  const isRefused = (at: number) => statuses[at]?.status === 'ng';
  const first = [
    ...positions.filter(isRefused).slice(0, LISTED),
    ...positions.filter((at) => !isRefused(at)).slice(0, LISTED),
  ];
  const refs = first.slice(0, LISTED).flatMap((at): PushedRef[] => {
    const [command, status] = [commands[at], statuses[at]];
    if (command === undefined || status === undefined) return [];
    const ref = cleanReason(command.name, LONGEST);
    const pushed = { ref, from: command.oldId, to: command.newId };
    return [status.status === 'ng' ? { ...pushed, refused: cleanReason(status.reason, LONGEST) } : pushed];
  });
  const refused = positions.filter(isRefused).length;
  return { refs, accepted: statuses.length - refused, refused };
}
