/** Says of each planned change how it gets to the target. Pure. */
import { formatSize } from '../../lib/format-size.ts';
import type { Source } from '../remote/source.ts';
import type { Target } from '../remote/target.ts';
import type { Plan, PlannedRef, Strategy } from './plan.ts';
import { isTemporary } from './ref-scope.ts';

type Means = Pick<PlannedRef, 'strategy' | 'strategyReason'>;

/** @param limits bytes that the target takes at most, if that is known beforehand */
export function withStrategies(
  plan: Plan,
  { target, source }: { readonly target: Pick<Target, 'listing'>; readonly source: Pick<Source, 'listing'> },
  limits: { readonly targetMaxPackBytes: number | undefined },
): Plan {
  const here = new Set(target.listing.refs.values());
  const interrupted = [...target.listing.refs.keys()].find(isTemporary);
  const withObjects = sending(limits.targetMaxPackBytes, interrupted, source.listing.protocol === undefined);
  const refs = plan.refs.map((ref): PlannedRef => {
    if (ref.action === 'skip' || ref.action === 'block') return ref;
    if (ref.action === 'delete') return { ...ref, ...means('refs', 'a deletion needs no objects') };
    if (here.has(ref.newId)) return { ...ref, ...means('refs', 'the target has the object already') };
    return { ...ref, ...withObjects };
  });
  return { ...plan, refs };
}

/** How objects are sent. */
function sending(most: number | undefined, interrupted: string | undefined, isCopied: boolean): Means {
  if (most !== undefined) {
    return means(
      'batches',
      `the target takes packs of at most ${formatSize(most)} (--target-max-pack-bytes)`,
    );
  }
  if (interrupted !== undefined) {
    return means('batches', `a run was interrupted: ${interrupted} keeps what it has sent`);
  }
  if (isCopied) return means('local', 'the source cannot be relayed: git fetches it to this machine first');
  return means('relay', 'the pack of the source is sent on as it comes');
}

function means(strategy: Strategy, strategyReason: string): Means {
  return { strategy, strategyReason };
}
