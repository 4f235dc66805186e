/**
 * Divides the memory of the machine among git processes: how much all of them may use together, how much one may use,
 * and how many may run. The unit is a share, the memory of one process.
 */
import { LARGE, type SharesOptions } from '../git-process/memory-shares.ts';
import { formatSize } from '../lib/format-size.ts';
import { TIPS_AT_ONCE } from '../relay/pull-requests/pull-requests.ts';
import { STATES_AT_ONCE } from '../relay/states/signed-states.ts';
import { stalledPushes } from '../transfer/push/pack-intake.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Processes per slot: `upload-pack` and its `pack-objects`, or two checks of a push. */
const IN_A_SLOT = 2;
/** Shares beside slots: signed states, tips of pull requests, and one concatenation check. */
const BESIDES = STATES_AT_ONCE + TIPS_AT_ONCE + 1;
/** Shares for work on very many objects, while they are free. */
const SPARE = 4;
/** Shares for pages: ten, and one for two slots, within these limits. Pages take no others, whatever they are asked for. */
const PAGE_SHARES = { least: 12, most: 24 } as const;

/** Memory that the server itself needs: at least this many bytes, and at least this part of the machine. */
const SERVER_BYTES = 640 * MIB;
const SERVER_PART = 1 / 4;

/** The default number of slots: one per GiB of memory, within these limits. */
const SLOTS = { least: 4, most: 32 } as const;
const MEMORY = { least: 32 * MIB, most: GIB } as const;

/** The settings of the operator; undefined where the machine decides. */
export interface GitSettings {
  /** Bytes that one process may use. */
  readonly gitMemory: number | undefined;
  /** Slots for fetches and pushes. */
  readonly gitConcurrency: number | undefined;
  /** Slots for pushes of strangers are added to it. */
  readonly anonymousPushes: { readonly slots: number } | undefined;
  /** Mirrors run git beside fetches and pushes; absent where none are kept. */
  readonly mirrors?: { readonly on: boolean; readonly concurrency: number };
}

export interface GitBudget {
  /** Bytes that one process may use. */
  readonly memory: number;
  /** Slots for fetches and pushes. */
  readonly concurrency: number;
  readonly shares: SharesOptions;
  /** Shares of pages, beside the others. */
  readonly pageShares: number;
  /** Bytes that all processes may use together. */
  readonly sum: number;
  /** The warning for an operator whose settings do not fit the machine. */
  readonly warning: string | undefined;
}

/**
 * @param machine bytes of memory that the server and its children may use (see `machine-memory.ts`)
 * @returns the memory of git; values that are set are kept
 */
export function gitBudget(settings: GitSettings, machine: number): GitBudget {
  const forGit = machine - Math.max(SERVER_BYTES, machine * SERVER_PART);
  const mirrors = settings.mirrors?.on === true ? settings.mirrors.concurrency : 0;
  const beside = (settings.anonymousPushes?.slots ?? 0) + mirrors;
  const concurrency = settings.gitConcurrency ?? placesFor(settings.gitMemory, beside, machine, forGit);
  const all = sharesOf(concurrency, beside);
  const pageShares = pageSharesOf(concurrency);
  const count = all + SPARE + pageShares;
  const memory = settings.gitMemory ?? within(MEMORY, Math.floor(forGit / count / MIB) * MIB);
  const sum = count * memory;
  const fits = sum <= machine - SERVER_BYTES;
  const isSet = settings.gitMemory !== undefined || settings.gitConcurrency !== undefined;
  return {
    memory,
    concurrency,
    shares: { all, spare: SPARE },
    pageShares,
    sum,
    warning: fits ? undefined : tooMuch({ memory, concurrency, sum, machine, count, isSet }),
  };
}

/** One slot per GiB of memory, or fewer when that many processes of the configured size would not fit. */
function placesFor(memory: number | undefined, beside: number, machine: number, forGit: number): number {
  let slots = within(SLOTS, Math.floor(machine / GIB));
  if (memory === undefined) return slots;
  const sum = () => (sharesOf(slots, beside) + SPARE + pageSharesOf(slots)) * memory;
  while (slots > SLOTS.least && sum() > forGit) slots--;
  return slots;
}

/**
 * Shares that are reserved: for slots, for pushes that wait outside a slot for slow clients, for a fold, and for
 * {@link BESIDES}.
 * @param beside slots for pushes of strangers, and mirrors that run at once
 */
function sharesOf(slots: number, beside: number): number {
  return IN_A_SLOT * (slots + beside) + stalledPushes(slots) + LARGE + BESIDES;
}

function pageSharesOf(slots: number): number {
  return within(PAGE_SHARES, 10 + Math.floor(slots / 2));
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
    `when memory runs out, the kernel kills git processes. ${advice}`
  );
}
