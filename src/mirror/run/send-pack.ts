import type { PushReport, RefCommand } from '../../git/index.ts';
import { counted } from '../../lib/counted.ts';
import { CairnError } from '../../lib/errors.ts';
import { roundedSize } from '../../lib/format-size.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { saferText } from '../../outbound/safer-text.ts';
import { PackProgress } from '../batches/pack-progress.ts';
import { hasTooManyObjects, type LongPack, type SizeControl, tooLong } from '../batches/size-control.ts';
import { fetchPack } from './fetch-pack.ts';
import type { MirrorRun } from './mirror-run.ts';
import { type SizeRefusal, sizeRefusalIn, sizeRefusalOf, tellsNothing } from './size-refusal.ts';

/** What to send. */
export interface Parcel {
  readonly commands: readonly RefCommand[];
  /** Objects that the commands need. None, and no pack is fetched. */
  readonly wants: readonly string[];
  /** Objects that the target has. */
  readonly haves: readonly string[];
  /** Breaks a pack off that gets longer than the budget; without it a pack may have any length. */
  readonly budget?: number;
  /** Does not begin a pack whose header says that it will be too long. */
  readonly control?: SizeControl;
}

export type Sent =
  | {
      readonly outcome: 'answered';
      /** Undefined from a target that gives none. */
      readonly report: PushReport | undefined;
      readonly bytes: number;
      readonly objects: number;
    }
  | {
      readonly outcome: 'too long';
      readonly pack: LongPack;
      /** In words. */
      readonly reason: string;
      /** See `SizeRefusal`. */
      readonly isCut: boolean;
      readonly isStated: boolean;
      /** What was thrown, if anything was. */
      readonly error?: unknown;
    }
  | {
      /** The target does not tell what it has done: its refs do. */
      readonly outcome: 'unanswered';
      readonly bytes: number;
      readonly objects: number;
      readonly error: CairnError;
    };

/** Bytes of what the target tells that are searched for a reason. */
const MESSAGES_KEPT = 16 * 1024;

/**
 * Fetches a pack and sends it on with commands.
 * @throws as `Source.fetch` and `Target.push`, but for a target that takes no pack of this size
 */
export async function sendPack(run: MirrorRun, parcel: Parcel): Promise<Sent> {
  const { target, observer, signal, tally } = run;
  const { commands, wants, haves, control, budget = control?.budget } = parcel;
  let messages = '';
  const onMessage = (text: string) => {
    messages = `${messages}${text}`.slice(-MESSAGES_KEPT);
    observer.message('target', text);
  };
  if (wants.length === 0) return withoutPack();
  target.prepare(signal);
  const { objects, pack } = await fetchPack(run, { wants, haves });
  try {
    if (objects === 0) return await withoutPack();
    if (control !== undefined && hasTooManyObjects(control, objects)) {
      const projected = Math.round(objects * control.objectBytes);
      return {
        outcome: 'too long',
        pack: { sent: 0, projected },
        reason: `it has ${counted(objects, 'object')}`,
        isCut: false,
        isStated: true,
      };
    }
    observer.phase('relaying');
    tally.packs += 1;
    const watched = new WatchedPack(pack, run, budget);
    try {
      const report = await target.push(commands, watched, { signal, onMessage });
      const refusal = sizeRefusalIn(report, messages);
      if (refusal !== undefined) return refused(watched, refusal, watched.bytes);
      return { outcome: 'answered', report, bytes: watched.bytes, objects };
    } catch (error) {
      if (watched.projected !== undefined) return brokenOff(watched, watched.projected);
      if (watched.failure !== undefined) throw watched.failure.error;
      const refusal = sizeRefusalOf(error);
      if (refusal === undefined) return unanswered(error, watched.bytes, objects);
      return refused(
        watched,
        refusal,
        (error instanceof RemoteError ? error.facts.sent : 0) || watched.bytes,
      );
    }
  } finally {
    // What breaks off a push does not wait for the source, which must be done with it before it is asked again.
    await pack[Symbol.asyncIterator]().return?.();
  }

  async function withoutPack(): Promise<Sent> {
    observer.phase('waiting');
    try {
      const report = await target.push(commands, undefined, { signal, onMessage });
      return { outcome: 'answered', report, bytes: 0, objects: 0 };
    } catch (error) {
      const refusal = sizeRefusalOf(error);
      if (refusal?.isCut !== true) return unanswered(error, 0, 0);
      const { isCut, isStated } = refusal;
      return {
        outcome: 'too long',
        pack: { sent: 0 },
        reason: saferText(refusal.reason),
        isCut,
        isStated,
        error,
      };
    }
  }

  /** @throws `error`, if it says what has become of the push, or the run is being stopped */
  function unanswered(error: unknown, bytes: number, objects: number): Sent {
    if (signal.aborted || !tellsNothing(error)) throw error;
    return { outcome: 'unanswered', bytes, objects, error };
  }
}

function brokenOff({ bytes, counted }: WatchedPack, projected: number): Sent {
  const reason = `it would have about ${roundedSize(projected)}`;
  const pack = { sent: bytes, objects: counted, projected };
  return { outcome: 'too long', pack, reason, isCut: false, isStated: true };
}

function refused({ counted }: WatchedPack, refusal: SizeRefusal, sent: number): Sent {
  const { reason, stated, isCut, isStated } = refusal;
  const pack = { sent, objects: counted, stated };
  return { outcome: 'too long', pack, reason: saferText(reason), isCut, isStated };
}

/** Thrown into a push that is broken off because it gets too long. */
class OverBudget extends CairnError {
  constructor() {
    super('too-large', 'the pack gets longer than the target takes');
  }
}

/** A pack on its way from the source to the target. */
class WatchedPack implements AsyncIterable<Buffer> {
  bytes = 0;
  /** How long the pack seems to get, once that is more than the budget. */
  projected: number | undefined;
  /** What the source threw. */
  failure: { readonly error: unknown } | undefined;
  private readonly pack: AsyncIterable<Buffer>;
  private readonly run: MirrorRun;
  private readonly budget: number | undefined;
  private readonly progress: PackProgress | undefined;

  constructor(pack: AsyncIterable<Buffer>, run: MirrorRun, budget: number | undefined) {
    this.pack = pack;
    this.run = run;
    this.budget = budget;
    // Counting costs time, and is of use only where the length matters.
    this.progress = budget === undefined ? undefined : new PackProgress(run.source.listing.objectFormat);
  }

  /** Objects that went by, where they are counted. */
  get counted(): number | undefined {
    return this.progress?.objects;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    const { observer } = this.run;
    const chunks = this.pack[Symbol.asyncIterator]();
    for (;;) {
      const step = await this.read(chunks);
      if (step.done === true) break;
      this.bytes += step.value.length;
      this.look(step.value);
      observer.relayed(step.value.length);
      yield step.value;
    }
    observer.phase('waiting');
  }

  private async read(chunks: AsyncIterator<Buffer>): Promise<IteratorResult<Buffer>> {
    try {
      return await chunks.next();
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  private look(chunk: Buffer): void {
    const { progress, budget } = this;
    if (progress === undefined || budget === undefined) return;
    progress.push(chunk);
    this.projected = tooLong(budget, progress);
    if (this.projected !== undefined) throw new OverBudget();
  }
}
