/** Carries planned changes out: each by its strategy, and by another one where that fails. */
import { type CairnError, isCairnError, messageOf } from '../../lib/errors.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { seedInBatches } from '../batches/seed-in-batches.ts';
import type { PlannedRef, Strategy } from '../plan/plan.ts';
import type { Source } from '../remote/source.ts';
import { lacksObjects, withLikelyCause } from './lacking.ts';
import type { MirrorRun } from './mirror-run.ts';
import { isSourceMoved, missingAt, PackTooLong, pushRefs, type RefResult } from './push-refs.ts';

/** Is told what happens to refs. */
export interface CarryOutObserver {
  result(name: string, result: RefResult): void;
  /** Some refs take another strategy than was planned. */
  strategy(refs: readonly PlannedRef[], strategy: Strategy, reason: string): void;
}

/** Opens the source by other means than the protocol spoken here, as git itself would; undefined where that is not wanted. */
export type OpenCopy = (() => Promise<Source>) | undefined;

/**
 * Makes changes that are either all deletions or none.
 * @throws as `Source.fetch` and `Target.push`. Some changes may have been made then; the refs of the target tell which.
 */
export async function carryOut(
  run: MirrorRun,
  refs: readonly PlannedRef[],
  observer: CarryOutObserver,
  openCopy: OpenCopy,
): Promise<void> {
  const source = new WatchedSource(run.source);
  const lacking: PlannedRef[] = [];
  const byName = new Map(refs.map((ref) => [ref.target, ref]));
  const watching: CarryOutObserver = {
    ...observer,
    result: (name, result) => {
      const lacks = result.outcome === 'refused' && lacksObjects(result.reason);
      const ref = openCopy === undefined || !lacks ? undefined : byName.get(name);
      if (ref === undefined) observer.result(name, explained(result));
      else lacking.push(ref);
    },
  };
  try {
    await relayOrBatch({ ...run, source }, refs, watching);
  } catch (error) {
    if (openCopy === undefined || !source.hasFailedFor(error) || !(await mayHelp(run, refs, error)))
      throw error;
    const { guilty, others } = partition(run, refs, messageOf(error));
    if (others.length > 0) await carryOut(run, others, observer, undefined);
    await overCopy(run, guilty, observer, openCopy, messageOf(error));
    return;
  }
  if (lacking.length > 0 && openCopy !== undefined) {
    await overCopy(run, lacking, observer, openCopy, 'the pack of the source lacks objects');
  }
}

function explained(result: RefResult): RefResult {
  return result.outcome === 'refused' ? { ...result, reason: withLikelyCause(result.reason) } : result;
}

async function relayOrBatch(
  run: MirrorRun,
  refs: readonly PlannedRef[],
  observer: CarryOutObserver,
): Promise<void> {
  const onResult = (name: string, result: RefResult) => observer.result(name, result);
  if (refs.some(({ strategy }) => strategy === 'batches')) {
    await seedInBatches(run, { refs, onResult });
    return;
  }
  try {
    for (const [name, result] of await pushRefs(run, refs)) onResult(name, result);
  } catch (error) {
    if (!(error instanceof PackTooLong)) throw error;
    run.observer.notice(`the target does not take the pack (${error.message}): sending it in batches`);
    const missing = new Set(missingAt(run, refs));
    const batched = refs.filter(({ newId }) => missing.has(newId));
    observer.strategy(batched, 'batches', `the target does not take it at once: ${error.message}`);
    await seedInBatches(run, { refs, refused: error.pack, onResult });
  }
}

/** Makes changes with packs from a copy of the source. */
async function overCopy(
  run: MirrorRun,
  refs: readonly PlannedRef[],
  observer: CarryOutObserver,
  openCopy: () => Promise<Source>,
  reason: string,
): Promise<void> {
  run.observer.notice(`${reason}: going on with a copy that git fetches`);
  observer.strategy(refs, 'local', `the source cannot be relayed: ${reason}`);
  run.observer.phase('local');
  await using source = await openCopy();
  await carryOut({ ...run, source }, refs, observer, undefined);
}

/** Refs whose objects an error names, and the others. An error that names none is one of all. */
function partition(
  run: MirrorRun,
  refs: readonly PlannedRef[],
  problem: string,
): { readonly guilty: readonly PlannedRef[]; readonly others: readonly PlannedRef[] } {
  const guilty = new Set(namedIn(run, refs, problem));
  return guilty.size === 0
    ? { guilty: refs, others: [] }
    : { guilty: [...guilty], others: refs.filter((ref) => !guilty.has(ref)) };
}

function namedIn({ source }: MirrorRun, refs: readonly PlannedRef[], problem: string): PlannedRef[] {
  const { peeled } = source.listing;
  return refs.filter(({ newId, source: name }) => {
    const commit = peeled.get(name ?? '');
    return problem.includes(newId) || (commit !== undefined && problem.includes(commit));
  });
}

/** True if git itself may get what we did not: the source has answered, but not with a pack. */
async function mayHelp(run: MirrorRun, refs: readonly PlannedRef[], error: unknown): Promise<boolean> {
  const { source, signal } = run;
  if (!isCairnError(error) || signal.aborted) return false;
  if (isSourceMoved(error)) {
    // An object that is listed, and still not sent. Otherwise the source has changed, and the run plans again.
    return namedIn(run, refs, error.message).length > 0 && !(await hasMoved(source, signal));
  }
  return error.kind === 'corrupt' || error.kind === 'invalid' || saysNo(error);
}

function saysNo(error: CairnError): boolean {
  if (error.kind !== 'unavailable' || !(error instanceof RemoteError)) return false;
  return error.facts.brokenOff !== true && error.facts.status === undefined;
}

async function hasMoved(source: Source, signal: AbortSignal): Promise<boolean> {
  const before = source.listing.refs;
  const { refs } = await source.relist(signal);
  return refs.size !== before.size || [...refs].some(([name, oid]) => before.get(name) !== oid);
}

/** A source that remembers what it has thrown. */
class WatchedSource implements Source {
  private readonly source: Source;
  private failure: { readonly error: unknown } | undefined;

  constructor(source: Source) {
    this.source = source;
  }

  get listing() {
    return this.source.listing;
  }

  /** True if an error is one of the source. */
  hasFailedFor(error: unknown): boolean {
    return this.failure !== undefined && this.failure.error === error;
  }

  relist(signal: AbortSignal) {
    return this.source.relist(signal);
  }

  async fetch(...[request, options]: Parameters<Source['fetch']>): Promise<AsyncIterable<Buffer>> {
    const chunks = (await this.watch(this.source.fetch(request, options)))[Symbol.asyncIterator]();
    const iterator: AsyncIterator<Buffer> = {
      next: () => this.watch(chunks.next()),
      return: async () => {
        await chunks.return?.();
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The opener of the source closes it.
  }

  private async watch<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }
}
