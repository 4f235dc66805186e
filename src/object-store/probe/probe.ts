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
  /**
   * Milliseconds between writes of one key, for stores that limit them. Without it the probe still passes such a
   * store, but takes longer.
   */
  readonly spacing?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface ProbePhase {
  readonly name: string;
  readonly ok: boolean;
  /** The promise is not broken: it could not be tested. */
  readonly untried?: true;
  readonly seconds: number;
  /** Figures of a phase that passed, or the reason of a failure. */
  readonly detail: string;
}

/**
 * - `broken`: the store did something it must not do, or says that it lacks something it must have
 * - `untried`: the probe could not tell, because of the network, credentials, a missing bucket or time-outs. Correct
 *   the cause and try again
 */
export type ProbeFailureKind = 'broken' | 'untried';

export interface ProbeFailure {
  readonly is: ProbeFailureKind;
  readonly phase: string;
  /** The round of a race, from 1; null elsewhere. */
  readonly round: number | null;
  readonly key: string;
  readonly reason: string;
}

export interface ProbeReport {
  readonly ok: boolean;
  /** The name of what was probed, for people. */
  readonly store: string;
  readonly phases: readonly ProbePhase[];
  /** The first broken promise; if none is broken, the first failure to test one. */
  readonly failure?: ProbeFailure;
  /** Racers without a first answer. */
  readonly unanswered: number;
  readonly seconds: number;
  /** How an S3 store differs from AWS. Found before the other phases. */
  readonly profile?: S3Profile;
}

const FIRST_PHASE = 'the store answers';
const WIDTH = 16;
const ROUNDS = 3;
const BACK_OFF_MS = 400;
/** How long a read without an answer is repeated. A time-out ends it at once. */
const PATIENCE_MS = 4_000;
const DELETES_AT_ONCE = 16;

/**
 * Finds out whether a store keeps the promises that Cairn relies on: the cheap conformance cases, and races of many
 * writers over two connections. All objects are below `probe/<random>/` and are deleted afterwards.
 * @param connections the same store over two pools of connections
 * @param store name of the store in the report
 * @returns the report; a store that cannot be reached has a report too
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

/** The report of a store that did not accept a first write. @param error the exception */
export function failedReport(store: string, key: string, error: unknown, seconds: number): ProbeReport {
  const reason = messageOf(error);
  const is = kindOf(error, FIRST_PHASE);
  const failure = { is, phase: FIRST_PHASE, round: null, key, reason };
  const untried = is === 'untried' ? ({ untried: true } as const) : {};
  const phases = [{ name: FIRST_PHASE, ok: false, ...untried, seconds, detail: reason }];
  return { ok: false, store, phases, failure, unanswered: 0, seconds };
}

/**
 * Whether an error means a broken or an untested store. Before the first answer, a refused request is the fault of
 * the endpoint. After it, bucket and credentials are known to be good, so a refusal is the fault of the store.
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
    // In parallel, each below its own prefix: on a far store this takes as long as the longest case, not the sum.
    await Promise.all(cases.filter(([, each]) => each.delicate === undefined).map(runCase));
    if (this.failure === undefined) {
      await Promise.all([
        this.phase('of many replaces at once one is written', () => this.race(raceReplace)),
        this.phase('of many creates at once one is written', () => this.race(raceCreate)),
      ]);
    }
    // A weak server may crash in one of these. By then the other results are known, and so is the case that caused
    // it.
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

  /** Runs one phase and records its failure. The first failure becomes that of the probe. */
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
      // A broken promise is more important than a promise that could not be tested.
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

  /** One read and one write without retries, so that wrong credentials and dead endpoints are reported quickly. */
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
