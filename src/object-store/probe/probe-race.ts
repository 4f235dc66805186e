import type { Clock } from '../../lib/clock.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { readAll } from '../../lib/streams.ts';
import { ConformanceError } from '../conformance/conformance-check.ts';
import type { ObjectStore, PutMode, PutOutcome } from '../object-store.ts';
import { judgeRound, type Racer, type RacerAnswer, type Stored } from './probe-judge.ts';

export interface RaceOptions {
  /** Two pools of connections to one store. */
  readonly connections: readonly [ObjectStore, ObjectStore];
  readonly prefix: string;
  readonly width: number;
  readonly rounds: number;
  /** Milliseconds between writes of one key. */
  readonly spacing: number;
  readonly clock: Clock;
  readonly random: Random;
}

export interface RaceFigures {
  /** Racers without a first answer, over all rounds. */
  unanswered: number;
  /** Rounds that were repeated. */
  repeated: number;
}

/** A race in which the store broke a promise. */
export class RaceError extends ConformanceError {
  readonly round: number;

  constructor(round: number, key: string, reason: string) {
    super(key, reason);
    this.round = round;
  }
}

/** A race that showed nothing, because too few racers were answered. */
export class RaceUndecidedError extends CairnError {
  readonly round: number;
  readonly key: string;

  constructor(round: number, key: string, reason: string) {
    super('unavailable', `${key}: ${reason}`);
    this.round = round;
    this.key = key;
  }
}

const TRIES_PER_ROUND = 3;
/** Some stores accept one write of a key per second, and answer 429 to all others. */
const ONE_WRITE_MS = 1_100;
const LONE_ATTEMPTS = 4;
const MOST_BYTES = 4096;

/**
 * Many writers at once replace one version of one key, round after round.
 * @throws RaceError, RaceUndecidedError
 */
export async function raceReplace(options: RaceOptions, figures: RaceFigures): Promise<void> {
  const key = `${options.prefix}race/replace`;
  let current = await begin(options, key);
  for (let round = 1; round <= options.rounds; round++) {
    current = await repeatRound(options, figures, round, async () => {
      await options.clock.sleep(options.spacing);
      const before = current;
      const result = await runRound(
        options,
        figures,
        key,
        { mode: 'replace', version: before.version },
        before,
      );
      current = result.final ?? before;
      return { ...result, key };
    });
  }
}

/**
 * Many writers at once create one key; each round uses another key.
 * @throws RaceError, RaceUndecidedError
 */
export async function raceCreate(options: RaceOptions, figures: RaceFigures): Promise<void> {
  let keys = 0;
  for (let round = 1; round <= options.rounds; round++) {
    await repeatRound(options, figures, round, async () => {
      const key = `${options.prefix}race/create-${keys++}`;
      return { ...(await runRound(options, figures, key, { mode: 'create' }, undefined)), key };
    });
  }
}

interface RoundResult {
  readonly verdict: ReturnType<typeof judgeRound>;
  readonly final: Stored | undefined;
  readonly key: string;
}

/** Repeats a round until it shows something. @returns what is stored after it */
async function repeatRound(
  options: RaceOptions,
  figures: RaceFigures,
  round: number,
  run: () => Promise<RoundResult>,
): Promise<Stored> {
  for (let attempt = 1; ; attempt++) {
    const { verdict, final, key } = await run();
    if (verdict.is === 'kept' && final !== undefined) return final;
    if (verdict.is === 'broken') throw new RaceError(round, key, verdict.reason);
    if (attempt === TRIES_PER_ROUND) {
      const reason = verdict.is === 'inconclusive' ? verdict.reason : 'nothing is stored';
      throw new RaceUndecidedError(round, key, `${reason}, ${attempt} times in a row`);
    }
    figures.repeated++;
    await options.clock.sleep(Math.max(options.spacing, ONE_WRITE_MS));
  }
}

async function begin(options: RaceOptions, key: string): Promise<Stored> {
  const body = `start ${options.random.hex(8)}`;
  for (let attempt = 1; ; attempt++) {
    const answer = await put(options.connections[0], key, body, { mode: 'create' });
    const stored = await readStored(options.connections[0], key);
    if (stored?.body === body) return stored;
    if (attempt === TRIES_PER_ROUND) {
      throw new RaceUndecidedError(0, key, `the first write was answered "${answer.is}"`);
    }
    await options.clock.sleep(Math.max(options.spacing, ONE_WRITE_MS));
  }
}

async function runRound(
  options: RaceOptions,
  figures: RaceFigures,
  key: string,
  mode: PutMode,
  before: Stored | undefined,
): Promise<Omit<RoundResult, 'key'>> {
  const connectionOf = (index: number) => options.connections[index % 2 === 0 ? 0 : 1];
  const bodies = Array.from(
    { length: options.width },
    (_, index) => `racer ${index} ${options.random.hex(8)}`,
  );
  const first = await Promise.all(bodies.map((body, index) => put(connectionOf(index), key, body, mode)));
  const racers: Racer[] = bodies.map((body, index) => ({
    body,
    first: first[index] ?? { is: 'unanswered' },
  }));
  figures.unanswered += racers.filter(isUnanswered).length;

  // Send the same bytes under the same condition: a loser is told so now, and the read finds a winner that was not
  // answered.
  const ask = async (racer: Racer, index: number) => {
    racer.second = await put(connectionOf(index), key, racer.body, mode);
  };
  const waiting = [...racers.entries()].filter(([, racer]) => isUnanswered(racer));
  if (waiting.length > 0) await options.clock.sleep(options.spacing);
  if (options.spacing === 0) await Promise.all(waiting.map(([index, racer]) => ask(racer, index)));
  for (const [index, racer] of waiting.slice(0, LONE_ATTEMPTS)) {
    if (racers.filter((each) => !isUnanswered(each)).length >= 2) break;
    await options.clock.sleep(Math.max(options.spacing, ONE_WRITE_MS));
    await ask(racer, index);
  }

  const [final, seenByOther] = await Promise.all(options.connections.map((store) => readStored(store, key)));
  return { verdict: judgeRound({ mode: mode.mode, racers, before, final, seenByOther }), final };
}

function isUnanswered(racer: Racer): boolean {
  return (racer.second ?? racer.first).is === 'unanswered';
}

async function put(store: ObjectStore, key: string, body: string, mode: PutMode): Promise<RacerAnswer> {
  let outcome: PutOutcome;
  try {
    outcome = await store.put(key, Buffer.from(body), mode);
  } catch (error) {
    return { is: 'unanswered', cause: messageOf(error) };
  }
  if (outcome.outcome === 'unknown') return { is: 'unanswered', cause: messageOf(outcome.cause) };
  if (outcome.outcome === 'written') return { is: 'won', version: outcome.version };
  return { is: 'lost', outcome: outcome.outcome };
}

async function readStored(store: ObjectStore, key: string): Promise<Stored | undefined> {
  const result = await store.get(key);
  if (!result.found) return undefined;
  return { body: String(await readAll(result.body, MOST_BYTES)), version: result.version };
}
