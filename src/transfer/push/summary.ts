import { cleanReason, type ReceivedCommand, type RefStatus } from '../../git/index.ts';
import type { HeldState } from '../../policy/state-match.ts';

/** What became of one ref of a push. */
export interface PushedRef {
  readonly ref: string;
  /** Object ids, zeros where there was or will be none. */
  readonly from: string;
  readonly to: string;
  /** Why it was refused; left out when it was not. */
  readonly refused?: string;
}

/** How a push ended, for logs and metrics. */
export interface PushSummary {
  /** The first refs, refused ones before the others; names and reasons are cut short. */
  readonly refs: readonly PushedRef[];
  /** Why refs were refused, all of them: one reason a ref. */
  readonly refusals: readonly string[];
  readonly accepted: number;
  readonly refused: number;
  readonly packBytes: number;
  /** Digest of the manifest published; undefined when nothing was. */
  readonly manifest: string | undefined;
  /** Why the pack was not taken in, as the client was told. */
  readonly reason?: string;
  /** The order that was carried out; the order book has not been told. */
  readonly signedState?: HeldState;
  /** What went wrong on the server's side, of which the client was told no more than it can act on. */
  readonly err?: unknown;
}

/** Of what turned out to be no push, or was none that could be read. */
export const NOTHING_PUSHED: PushSummary = {
  refs: [],
  refusals: [],
  accepted: 0,
  refused: 0,
  packBytes: 0,
  manifest: undefined,
};

/** Refs that a summary lists, and bytes of a name and of a reason. */
const LISTED = 10;
const LONGEST = 300;

/** What a summary says of refs: `statuses` are those of `commands`, in their order. */
export function summarizeRefs(
  commands: readonly ReceivedCommand[],
  statuses: readonly RefStatus[],
): Pick<PushSummary, 'refs' | 'refusals' | 'accepted' | 'refused'> {
  const refusals = statuses.flatMap((status) => (status.status === 'ng' ? [status.reason] : []));
  const order = [...statuses.keys()];
  const isRefused = (at: number) => statuses[at]?.status === 'ng';
  const first = [
    ...order.filter(isRefused).slice(0, LISTED),
    ...order.filter((at) => !isRefused(at)).slice(0, LISTED),
  ];
  const refs = first.slice(0, LISTED).flatMap((at): PushedRef[] => {
    const [command, status] = [commands[at], statuses[at]];
    if (command === undefined || status === undefined) return [];
    const ref = cleanReason(command.name, LONGEST);
    const told = { ref, from: command.oldId, to: command.newId };
    return [status.status === 'ng' ? { ...told, refused: cleanReason(status.reason, LONGEST) } : told];
  });
  return { refs, refusals, accepted: statuses.length - refusals.length, refused: refusals.length };
}
