/**
 * How much memory all git processes may have together, and what one of them and the number of places may be, so that it fits into
 * the machine. Counted in shares; a share is the memory of one process.
 */
import { LARGE, type SharesOptions } from '../git-process/memory-shares.ts';
import { formatSize } from '../lib/format-size.ts';
import { TIPS_AT_ONCE } from '../relay/pull-requests/pull-requests.ts';
import { STATES_AT_ONCE } from '../relay/states/signed-states.ts';
import { stalledPushes } from '../transfer/push/pack-intake.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Processes in a place: `upload-pack` and its `pack-objects`, or two questions about a push. */
const IN_A_PLACE = 2;
/** Shares besides places: signed states, tips of pull requests, and one proof that packs can be joined. */
const BESIDES = STATES_AT_ONCE + TIPS_AT_ONCE + 1;
/** Shares for whatever works on very many objects while they are free. */
const SPARE = 4;

/** Memory that the server needs for itself: this much, and this part of what there is. */
const SERVER_BYTES = 640 * MIB;
const SERVER_PART = 1 / 4;

/** Where nobody says: a place for each GiB of memory. */
const PLACES = { least: 4, most: 32 } as const;
const MEMORY = { least: 32 * MIB, most: GIB } as const;

/** What an operator has set; undefined where that is left to the machine. */
export interface GitSettings {
  /** Bytes that a process may have. */
  readonly gitMemory: number | undefined;
  /** Places for fetches and pushes. */
  readonly gitConcurrency: number | undefined;
  /** Places for pushes of strangers come with it. */
  readonly anonymousPushes: { readonly places: number } | undefined;
}

export interface GitBudget {
  /** Bytes that a process may have. */
  readonly memory: number;
  /** Places for fetches and pushes. */
  readonly concurrency: number;
  readonly shares: SharesOptions;
  /** Bytes that all processes may have together. */
  readonly sum: number;
  /** What to tell an operator whose settings do not fit into the machine. */
  readonly warning: string | undefined;
}

/**
 * @param machine bytes of memory that the server and its children may use (see `machine-memory.ts`)
 * @returns what git may have; whatever was set stays as it is
 */
export function gitBudget(settings: GitSettings, machine: number): GitBudget {
  const forGit = machine - Math.max(SERVER_BYTES, machine * SERVER_PART);
  const strangers = settings.anonymousPushes?.places ?? 0;
  const concurrency = settings.gitConcurrency ?? placesFor(settings.gitMemory, strangers, machine, forGit);
  const all = sharesOf(concurrency, strangers);
  const count = all + SPARE;
  const memory = settings.gitMemory ?? within(MEMORY, Math.floor(forGit / count / MIB) * MIB);
  const sum = count * memory;
  const fits = sum <= machine - SERVER_BYTES;
  const isSet = settings.gitMemory !== undefined || settings.gitConcurrency !== undefined;
  return {
    memory,
    concurrency,
    shares: { all, spare: SPARE },
    sum,
    warning: fits ? undefined : tooMuch({ memory, concurrency, sum, machine, count, isSet }),
  };
}

/** As many places as the machine has GiB, or fewer where that many processes of the size that was set would not fit. */
function placesFor(memory: number | undefined, strangers: number, machine: number, forGit: number): number {
  let places = within(PLACES, Math.floor(machine / GIB));
  if (memory === undefined) return places;
  while (places > PLACES.least && (sharesOf(places, strangers) + SPARE) * memory > forGit) places--;
  return places;
}

/** Shares that are set aside: for places, for pushes that wait outside of one for slow clients, for a fold, and besides. */
function sharesOf(places: number, strangers: number): number {
  return IN_A_PLACE * (places + strangers) + stalledPushes(places) + LARGE + BESIDES;
}

function within({ least, most }: { readonly least: number; readonly most: number }, value: number): number {
  return Math.min(most, Math.max(least, value));
}

interface TooMuch extends Pick<GitBudget, 'memory' | 'concurrency' | 'sum'> {
  readonly machine: number;
  readonly count: number;
  readonly isSet: boolean;
}

function tooMuch({ memory, concurrency, sum, machine, count, isSet }: TooMuch): string {
  const advice = isSet ? 'Lower one of the two, or leave both to the server' : 'A server should have 2 GiB';
  return (
    `--git-concurrency ${concurrency} and --git-memory ${formatSize(memory)} let git take ${formatSize(sum)} ` +
    `(${count} times ${formatSize(memory)}), and this machine has ${formatSize(machine)} for everything: ` +
    `when it is used up, the kernel ends git processes. ${advice}`
  );
}
