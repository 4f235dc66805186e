/** Sends changes of refs in several packs, each of a size that the target takes. */
import { type RefCommand, zeroId } from '../../git/index.ts';
import { publicError } from '../../lib/errors.ts';
import { roundedSize } from '../../lib/format-size.ts';
import { CommitGraph } from '../graph/commit-graph.ts';
import type { MirrorObserver } from '../observer.ts';
import type { PlannedRef } from '../plan/plan.ts';
import type { Source } from '../remote/source.ts';
import { fetchGraph } from '../run/ancestry.ts';
import { canServeParts, copySource } from '../run/copy-source.ts';
import { fetchPack } from '../run/fetch-pack.ts';
import type { MirrorRun } from '../run/mirror-run.ts';
import {
  commandOf,
  havesOf,
  isMade,
  missingAt,
  type RefResult,
  relistAfter,
  resultOf,
} from '../run/push-refs.ts';
import { type Sent, sendPack } from '../run/send-pack.ts';
import {
  afterLongPack,
  afterTakenPack,
  firstControl,
  type LongPack,
  lastResort,
  packsLeft,
  type SizeControl,
  withFirstStride,
} from './size-control.ts';
import { type Stop, Stops } from './stops.ts';

export interface SeedOptions {
  /** Changes that are no deletions, in the order of the plan. */
  readonly refs: readonly PlannedRef[];
  /** The pack that the target has refused, if that is why. */
  readonly refused?: LongPack | undefined;
  /** Gets the result of each ref, as soon as it is known. */
  readonly onResult: (name: string, result: RefResult) => void;
}

/** How often a pack that cannot be made smaller is sent again after the connection broke. */
const MOST_CUTS = 3;
/** How often a temporary ref gets another name, because somebody else has set it. */
const MOST_RENAMES = 5;
/** A pack of everything is tried first if it is very likely to fit: then the graph of the commits need not be fetched. */
const SURELY_FITS = 1 / 4;

/**
 * Sends changes of refs in packs that the target takes. While a ref is not whole, a temporary ref keeps what was sent of it; so
 * another run continues where this one ends, however it ends. Temporary refs are still there at the end, see `deleteTemporaryRefs`.
 * @throws as `Source.fetch` and `Target.push`; CairnError `too-large` when a single commit is more than the target takes, and
 *   `unavailable` when the target does not answer to it
 */
export async function seedInBatches(run: MirrorRun, options: SeedOptions): Promise<void> {
  await new Seeding(run, options).run();
}

class Seeding {
  private mirror: MirrorRun;
  private readonly options: SeedOptions;
  private control: SizeControl;
  private stops: Stops;
  /** The commits to send, once they were worth fetching. */
  private graph: CommitGraph | undefined;
  /** What temporary refs were set to, whether or not the target has done it. */
  private readonly sent = new Set<string>();
  /** How often somebody else has used a temporary ref. */
  private renames = 0;
  /** A copy of the source, if that cannot make the packs. */
  private copy: Source | undefined;
  /** Packs that were taken. */
  private taken = 0;
  /** How often the connection broke, without a pack that was taken in between. */
  private cuts = 0;

  constructor(mirror: MirrorRun, options: SeedOptions) {
    this.mirror = mirror;
    this.options = options;
    const { targetMaxPackBytes: given, maxPackBytes } = mirror.limits;
    this.control = firstControl({ given, refused: options.refused, maxPackBytes });
    this.stops = this.planned(new CommitGraph(mirror.source.listing.objectFormat), options.refs);
  }

  async run(): Promise<void> {
    try {
      if (this.options.refused !== undefined) await this.findStops();
      while (this.stops.left > 0) await this.leg();
    } finally {
      await this.copy?.[Symbol.asyncDispose]();
    }
  }

  /**
   * Fetches the graph of the commits, and plans the stops anew.
   * @param projected how long a pack of everything seems to be
   */
  private async findStops(projected?: number): Promise<void> {
    const { refs } = this.stops;
    const detail = 'finding out where to divide the history';
    const whole = missingAt(this.mirror, refs);
    if (whole.length > 0 && !canServeParts(this.mirror.source.listing)) {
      this.copy = await copySource(this.detailed(detail), whole);
      this.mirror = { ...this.mirror, source: this.copy };
    }
    const run = this.detailed(detail);
    const here = new Set(run.target.listing.refs.values());
    // A copy has nothing of a tag that the target has already, not even its commit.
    const lacking = refs.filter(({ newId }) => !here.has(newId));
    const wants = [...new Set(lacking.map((ref) => this.commitOf(ref)))].filter((oid) => !here.has(oid));
    this.graph =
      wants.length === 0
        ? new CommitGraph(run.source.listing.objectFormat)
        : await fetchGraph(run, wants, havesOf(run));
    this.stops = this.planned(this.graph, refs);
    this.control = withFirstStride(this.control, this.stops.left, projected);
  }

  private planned(graph: CommitGraph, refs: readonly PlannedRef[]): Stops {
    return new Stops(graph, refs, (ref) => this.commitOf(ref));
  }

  /** The commit that a ref leads to, if it leads to one. */
  private commitOf({ source, newId }: PlannedRef): string {
    return this.mirror.source.listing.peeled.get(source ?? '') ?? newId;
  }

  /** Sends a pack. It was taken, or the next one is smaller. */
  private async leg(): Promise<void> {
    const { limits } = this.mirror;
    const stops = this.stops.next(this.control.stride, limits.targetMaxRefUpdates);
    const commands = this.commandsFor(stops);
    const sent = await this.send(stops, commands);
    await relistAfter(this.mirror, sent);
    // A connection that breaks off after the pack has come whole hides that it was taken.
    if (sent.outcome !== 'answered' && !this.hasAll(commands)) {
      if (sent.outcome === 'unanswered') throw sent.error;
      await this.divide(stops, sent);
      return;
    }
    this.cuts = 0;
    this.taken += 1;
    if (!this.settle(stops, commands, sent)) return;
    this.stops.reach(stops.length);
    const { bytes, objects } =
      sent.outcome === 'too long' ? { bytes: sent.pack.sent, objects: sent.pack.objects ?? 0 } : sent;
    this.control = afterTakenPack(this.control, { bytes, objects, stops: stops.length });
  }

  private send(stops: readonly Stop[], commands: readonly RefCommand[]): Promise<Sent> {
    const here = new Set(this.mirror.target.listing.refs.values());
    const wants = [...new Set(commands.map(({ newId }) => newId))].filter((oid) => !here.has(oid));
    const packs = this.taken + packsLeft(this.control, this.stops.left);
    const run = this.detailed(`pack ${this.taken + 1}/${packs}`);
    const parcel = { commands, wants, haves: havesOf(run) };
    const { control } = this;
    if (this.graph === undefined) {
      const surely = { ...control, budget: control.budget * SURELY_FITS };
      return sendPack(run, { ...parcel, control: surely, budget: control.budget });
    }
    if (stops.length > 1) return sendPack(run, { ...parcel, control });
    const budget = this.stops.canTakeApart ? control.budget : lastResort(control);
    return sendPack(run, { ...parcel, budget });
  }

  /** Refs that become whole, and a temporary ref for the last stop if none does with it. */
  private commandsFor(stops: readonly Stop[]): RefCommand[] {
    const { listing } = this.mirror.target;
    const commands = stops.flatMap(({ ref }) => (ref === undefined ? [] : [commandOf(ref)]));
    const last = stops.at(-1);
    if (last === undefined || last.ref !== undefined) return commands;
    const name = this.mirror.temporary.of(last.chain);
    const oldId = listing.refs.get(name) ?? zeroId(listing.objectFormat);
    this.sent.add(last.oid);
    return [...commands, { name, oldId, newId: last.oid }];
  }

  private hasAll(commands: readonly RefCommand[]): boolean {
    const { refs } = this.mirror.target.listing;
    return commands.every((command) => isMade(command, refs.get(command.name)));
  }

  /**
   * Finds the results of the refs of a pack. A refused ref does not stop the others, but the temporary one must be there.
   * @returns false when a pack that seemed lost was taken in meanwhile: then the same stops are gone on with from there
   */
  private settle(stops: readonly Stop[], commands: readonly RefCommand[], sent: Sent): boolean {
    const { refs } = this.mirror.target.listing;
    const report = sent.outcome === 'answered' ? sent.report : undefined;
    const last = stops.at(-1);
    const temporary = last?.ref === undefined ? commands.at(-1) : undefined;
    const now = temporary === undefined ? undefined : refs.get(temporary.name);
    const isLate =
      now !== undefined && now !== temporary?.newId && now !== temporary?.oldId && this.sent.has(now);
    if (isLate) return false;
    for (const { ref } of stops) {
      if (ref !== undefined) this.options.onResult(ref.target, resultOf(ref, report, refs));
    }
    if (temporary === undefined || now === temporary.newId) return true;
    const result = resultOf({ ...temporary, target: temporary.name }, report, refs);
    if (result.outcome === 'moved' && last !== undefined && this.renames < MOST_RENAMES) {
      // Most likely a push of an earlier run, which its server has ended only now.
      this.renames += 1;
      this.mirror.temporary.replace(last.chain);
      return false;
    }
    const why = result.outcome === 'applied' ? 'it is gone again' : result.reason;
    throw publicError(
      'unavailable',
      `the target does not keep the temporary ref ${temporary.name}, without which it cannot be seeded in batches: ${why}`,
    );
  }

  /** Makes the next pack smaller. @throws when that is not possible */
  private async divide(stops: readonly Stop[], sent: Sent & { readonly outcome: 'too long' }): Promise<void> {
    const { observer } = this.mirror;
    this.cuts = sent.isCut ? this.cuts + 1 : 0;
    // A first broken connection may be chance. It says nothing of what the target takes.
    const pack = this.cuts === 1 ? { ...sent.pack, sent: 0 } : sent.pack;
    this.control = afterLongPack({ ...this.control, stride: stops.length }, pack);
    if (this.graph === undefined) {
      await this.findStops(pack.projected);
      observer.notice(`a pack of everything is too long (${sent.reason}): sending it in ${this.packs()}`);
    } else if (stops.length > 1) {
      observer.notice(`a pack is too long (${sent.reason}): going on with ${this.packs()}`);
    } else if (this.stops.takeApart()) {
      observer.notice(`a merge is too long for one pack (${sent.reason}): what it merges goes first`);
    } else if (!sent.isCut || this.cuts >= MOST_CUTS) {
      throw await this.exhausted(stops, sent);
    }
  }

  private packs(): string {
    const packs = packsLeft(this.control, this.stops.left);
    // An estimate: it may be one more.
    return packs === 1 ? 'smaller packs' : `about ${packs} packs`;
  }

  /**
   * The error of a pack that cannot be made smaller. The source is asked again to know how long it would be. If the target never says
   * that it is the size, it may as well be out of order: it has not refused anything.
   */
  private async exhausted(
    stops: readonly Stop[],
    { reason, pack: seen, isStated }: Sent & { readonly outcome: 'too long' },
  ): Promise<Error> {
    const run = this.detailed('measuring what is too long');
    const wants = this.commandsFor(stops).map(({ newId }) => newId);
    const { pack } = await fetchPack(run, { wants: [...new Set(wants)], haves: havesOf(run) });
    let length = 0;
    for await (const chunk of pack) length += chunk.length;
    const { limit } = this.control;
    const needs = `${stops[0]?.oid} alone needs a pack of ${roundedSize(length)}`;
    if (!isStated) {
      return publicError(
        'unavailable',
        `${needs}, and the target does not answer to it: ${reason}. It may be out of order, or that may be too large for it. ` +
          'Run again: what was sent is kept there',
      );
    }
    // What was projected when it was broken off is known exactly by now.
    const said = seen.projected === undefined ? ` (${reason})` : '';
    const takes =
      limit === undefined ? 'the target does not take it' : `the target takes ${roundedSize(limit)}`;
    return publicError(
      'too-large',
      `${needs}, and ${takes}${said}. ` +
        'Raise the limit of the target, or of --target-max-pack-bytes, and run again: what was sent is kept there',
    );
  }

  /** The run, with a detail in what it tells. */
  private detailed(detail: string): MirrorRun {
    const { observer } = this.mirror;
    const told: MirrorObserver = {
      phase: (phase) => observer.phase(phase, detail),
      relayed: (bytes) => observer.relayed(bytes),
      message: (side, text) => observer.message(side, text),
      notice: (text) => observer.notice(text),
    };
    return { ...this.mirror, observer: told };
  }
}
