/**
 * The memory of all git processes together, counted in shares. A share is the memory of one process (`--git-memory`). A process
 * starts only if its shares are free, so the limits of all processes never add up to more than all shares.
 *
 * Shares never wait here: each caller that runs git holds a slot that includes its shares (see `server/git-budget.ts`).
 * Processes that work on very many objects get more memory while there are spare shares.
 */
import { CairnError } from '../lib/errors.ts';
import type { GitCommand } from './commands.ts';

/** Shares of a process of a fold. Other processes that work on very many objects get up to as many. */
export const LARGE = 4;

/** Memory that git may need for each object, in bytes: its tables, and links between objects. */
const BYTES_PER_OBJECT = 200;

/** The memory granted to a process. */
export interface Grant {
  /** Memory limit of each process, in shares. */
  readonly times: number;
  /** Returns the shares after the process has ended. A second call has no effect. */
  release(): void;
}

/** The memory needs of a command. */
export type Needs = Pick<GitCommand, 'processes' | 'large' | 'objects'>;

export interface SharesOptions {
  /** Shares that the slots include. */
  readonly all: number;
  /** Additional shares for processes that work on very many objects. */
  readonly spare: number;
}

export class MemoryShares {
  private readonly all: number;
  private readonly memory: number;
  private spare: number;
  private taken = 0;

  /**
   * @param memory bytes of a share
   * @param options number of shares; without it there is no bound
   */
  constructor(
    memory: number,
    { all, spare }: SharesOptions = { all: Number.POSITIVE_INFINITY, spare: Number.POSITIVE_INFINITY },
  ) {
    this.memory = memory;
    this.all = all;
    this.spare = spare;
  }

  /**
   * Takes the shares that a command needs.
   * @throws CairnError `busy` if too few are free: then more git processes run than the slots allow
   */
  take({ processes = 1, large = false, objects = 0 }: Needs): Grant {
    const own = processes * (large ? LARGE : 1);
    if (this.taken + own > this.all) {
      throw new CairnError('busy', 'too many git processes at once, try again in a moment');
    }
    const wantsMore = !large && objects * BYTES_PER_OBJECT > this.memory / 2;
    const more = wantsMore ? Math.min(LARGE - 1, Math.floor(this.spare / processes)) : 0;
    const spare = more * processes;
    this.taken += own;
    this.spare -= spare;
    let held = true;
    return {
      times: large ? LARGE : 1 + more,
      release: () => {
        if (!held) return;
        held = false;
        this.taken -= own;
        this.spare += spare;
      },
    };
  }
}
