import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import { ConformanceError, conformanceCases } from '../conformance/conformance.ts';
import type { ObjectStore } from '../object-store.ts';
import type { S3Profile } from '../s3/s3-profile.ts';
import { StoreRefusedError } from '../store-refused.ts';
import { withRetry } from '../with-retry.ts';
import {
  RaceError,
  type RaceFigures,
  type RaceOptions,
  RaceUndecidedError,
  raceCreate,
  raceReplace,
} from './probe-race.ts';

export interface ProbeOptions {
  /** Writers in a race. */
  readonly width?: number;
  /** Races of each kind. */
  readonly rounds?: number;
  /** Milliseconds between writes of one key, for stores that limit them; throttling is survived without it, slower. */
  readonly spacing?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface ProbePhase {
  readonly name: string;
  readonly ok: boolean;
  /** Not broken: it could not be tried. */
  readonly untried?: true;
  readonly seconds: number;
  /** Figures of a phase that held, the reason of one that did not. */
  readonly detail: string;
}

/**
 * - `broken`: the store did what it must not do, or says that it cannot do what it must
 * - `untried`: it could not be found out: network, credentials, a missing bucket, time-outs. To be tried again, once what
 *   is wrong has been put right
 */
export type ProbeFailureKind = 'broken' | 'untried';

export interface ProbeFailure {
  readonly is: ProbeFailureKind;
  readonly phase: string;
  /** Of a race, from 1; null elsewhere. */
  readonly round: number | null;
  readonly key: string;
  readonly reason: string;
}

export interface ProbeReport {
  readonly ok: boolean;
  /** What was probed, as a person knows it. */
  readonly store: string;
  readonly phases: readonly ProbePhase[];
  /** The first promise that was found broken; while none was, what kept one from being tried. */
  readonly failure?: ProbeFailure;
  /** Racers that got no answer at first. */
  readonly unanswered: number;
  readonly seconds: number;
  /** How an S3 store differs from AWS, found before the rest. */
  readonly profile?: S3Profile;
}

const FIRST_PHASE = 'the store answers';
const WIDTH = 16;
const ROUNDS = 3;
const BACK_OFF_MS = 400;
/** A read that is not answered is repeated for so long; a time-out ends it at once. */
const PATIENCE_MS = 4_000;
const DELETES_AT_ONCE = 16;

/**
 * Finds out whether a store keeps the promises that Cairn builds on: the conformance cases that cost little, and
 * races of many writers over two connections. Everything happens below `probe/<random>/` and is deleted afterwards.
 * @param connections the same store over two pools of connections
 * @param store what to call it in the report
 * @returns the report; a store that cannot be reached is a report too
 */
export async function probeStore(
  connections: readonly [ObjectStore, ObjectStore],
  store: string,
  options: ProbeOptions = {},
): Promise<ProbeReport> {
  const probe = new Probe(connections, options);
  const clock = options.clock ?? systemClock;
  const started = clock.monotonic();
  const scratch = await mkdtemp(join(tmpdir(), 'cairn-probe-'));
  try {
    await probe.run(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return { ...probe.result(), store, seconds: (clock.monotonic() - started) / 1000 };
}

/** The report of a store that did not even take a first write. @param error what was thrown then */
export function failedReport(store: string, key: string, error: unknown, seconds: number): ProbeReport {
  const reason = messageOf(error);
  const is = kindOf(error, FIRST_PHASE);
  const failure = { is, phase: FIRST_PHASE, round: null, key, reason };
  const untried = is === 'untried' ? ({ untried: true } as const) : {};
  const phases = [{ name: FIRST_PHASE, ok: false, ...untried, seconds, detail: reason }];
  return { ok: false, store, phases, failure, unanswered: 0, seconds };
}

/**
 * What an error says about the store. Before it has answered once, a refused request speaks of the endpoint; after that
 * bucket and credentials are known to be good, and it speaks of the store.
 */
function kindOf(error: unknown, phase: string): ProbeFailureKind {
  if (error instanceof ConformanceError) return 'broken';
  if (!(error instanceof StoreRefusedError)) return 'untried';
  return error.fault === 'store' || (error.fault === 'request' && phase !== FIRST_PHASE)
    ? 'broken'
    : 'untried';
}

class Probe {
  private readonly connections: readonly [ObjectStore, ObjectStore];
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly spacing: number;
  private readonly width: number;
  private readonly rounds: number;
  private readonly prefix: string;
  private readonly phases: ProbePhase[] = [];
  private readonly figures: RaceFigures = { unanswered: 0, repeated: 0 };
  private failure: ProbeFailure | undefined;

  constructor(connections: readonly [ObjectStore, ObjectStore], options: ProbeOptions) {
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? systemRandom;
    this.spacing = options.spacing ?? 0;
    this.width = options.width ?? WIDTH;
    this.rounds = options.rounds ?? ROUNDS;
    this.prefix = `probe/${this.random.hex(8)}/`;
    const retry = { patience: PATIENCE_MS, clock: this.clock, random: this.random };
    this.connections = [withRetry(connections[0], retry), withRetry(connections[1], retry)];
  }

  async run(scratch: string): Promise<void> {
    await this.phase(FIRST_PHASE, () => this.reach());
    if (this.failure !== undefined) return;
    const cases = [...conformanceCases.entries()].filter(([, { cost }]) => cost === undefined);
    const runCase = ([index, each]: (typeof cases)[number]) =>
      this.phase(each.name, async () => {
        await each.run(this.roomFor(index, scratch));
        return '';
      });
    // Side by side, each below its own prefix: on a far store the time is that of the longest, not the sum.
    await Promise.all(cases.filter(([, each]) => each.delicate === undefined).map(runCase));
    if (this.failure === undefined) {
      await Promise.all([
        this.phase('of many replaces at once one is written', () => this.race(raceReplace)),
        this.phase('of many creates at once one is written', () => this.race(raceCreate)),
      ]);
    }
    // A poor server may end in one of these: what it promises is known by then, and so is where it ended.
    for (const each of cases.filter(([, { delicate }]) => delicate === true)) {
      if (this.failure === undefined) await runCase(each);
    }
    await this.phase('what the probe wrote is deleted', () => this.cleanUp());
  }

  result(): Pick<ProbeReport, 'ok' | 'phases' | 'unanswered' | 'failure'> {
    const { phases, failure } = this;
    const { unanswered } = this.figures;
    return { ok: failure === undefined, phases, unanswered, ...(failure === undefined ? {} : { failure }) };
  }

  /** Runs one phase; its failure is noted, and the first one is the probe's. */
  private async phase(name: string, run: () => Promise<string>): Promise<void> {
    const started = this.clock.monotonic();
    const secondsNow = () => (this.clock.monotonic() - started) / 1000;
    try {
      const detail = await run();
      this.phases.push({ name, ok: true, seconds: secondsNow(), detail });
    } catch (error) {
      const reason = messageOf(error);
      const is = kindOf(error, name);
      const untried = is === 'untried' ? ({ untried: true } as const) : {};
      this.phases.push({ name, ok: false, ...untried, seconds: secondsNow(), detail: reason });
      // A broken promise outweighs whatever could not be tried beside it.
      if (this.failure !== undefined && (this.failure.is === 'broken' || is === 'untried')) return;
      const isRace = error instanceof RaceError || error instanceof RaceUndecidedError;
      this.failure = {
        is,
        phase: name,
        round: isRace ? error.round : null,
        key: isRace || error instanceof ConformanceError ? error.key : this.prefix,
        reason,
      };
    }
  }

  /** One read and one write, before anything is repeated: wrong credentials and dead endpoints are told quickly. */
  private async reach(): Promise<string> {
    for (const connection of this.connections) {
      for await (const { key } of connection.list(this.prefix)) {
        throw new ConformanceError(key, 'a listing gives a key that nobody has written');
      }
    }
    const key = `${this.prefix}reach`;
    const outcome = await this.connections[0].put(key, Buffer.from('reach'), { mode: 'create' });
    if (outcome.outcome === 'unknown') {
      throw new CairnError('unavailable', `the first write was not answered: ${messageOf(outcome.cause)}`);
    }
    if (outcome.outcome !== 'written') {
      throw new ConformanceError(key, `the first write was answered "${outcome.outcome}"`);
    }
    return '';
  }

  private roomFor(index: number, scratch: string) {
    return {
      first: this.connections[0],
      second: this.connections[1],
      prefix: `${this.prefix}case-${index}/`,
      scratch,
      pause: () => this.clock.sleep(this.spacing),
      backOff: () => this.clock.sleep(Math.max(this.spacing, BACK_OFF_MS)),
    };
  }

  private async race(run: (options: RaceOptions, figures: RaceFigures) => Promise<void>): Promise<string> {
    const { connections, prefix, width, rounds, spacing, clock, random } = this;
    const figures: RaceFigures = { unanswered: 0, repeated: 0 };
    try {
      await run({ connections, prefix, width, rounds, spacing, clock, random }, figures);
    } finally {
      this.figures.unanswered += figures.unanswered;
      this.figures.repeated += figures.repeated;
    }
    const unanswered = figures.unanswered === 0 ? '' : `, ${figures.unanswered} unanswered`;
    const repeated = figures.repeated === 0 ? '' : `, ${figures.repeated} rounds repeated`;
    return `${rounds} rounds of ${width}${unanswered}${repeated}`;
  }

  private async cleanUp(): Promise<string> {
    const [store] = this.connections;
    const keys: string[] = [];
    for await (const { key } of store.list(this.prefix)) keys.push(key);
    const count = keys.length;
    const worker = async () => {
      for (let key = keys.shift(); key !== undefined; key = keys.shift()) await store.delete(key);
    };
    await Promise.all(Array.from({ length: DELETES_AT_ONCE }, worker));
    return `${count} keys`;
  }
}
