/**
 * The memory of all git processes together, counted in shares: a share is what one process may have (`--git-memory`). A process
 * starts only when its shares are free, so the limits of all processes never add up to more than all shares.
 *
 * Whoever runs git has shares of their own, by a place (see `server/git-budget.ts`), and never waits for them here. Processes that work on
 * very many objects get more memory while there are spare shares.
 */
import { CairnError } from '../lib/errors.ts';
import type { GitCommand } from './commands.ts';

/** How many shares a process of a fold has. Others that work on very many objects have up to as many. */
export const LARGE = 4;

/** Bytes that git may hold for each object: of its tables, and of links between objects. */
const BYTES_PER_OBJECT = 200;

/** What a process got. */
export interface Grant {
  /** How many times the usual memory each process may have. */
  readonly times: number;
  /** Gives the shares back, once the process has ended. Calling it twice is harmless. */
  release(): void;
}

/** The memory needs of a command. */
export type Needs = Pick<GitCommand, 'processes' | 'large' | 'objects'>;

export interface SharesOptions {
  /** Shares that are set aside for somebody. */
  readonly all: number;
  /** Shares for processes that work on very many objects, beside those. */
  readonly spare: number;
}

export class MemoryShares {
  private readonly all: number;
  private readonly memory: number;
  private spare: number;
  private taken = 0;

  /**
   * @param options how many there are; without it as many as are wanted
   * @param memory bytes of a share
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
   * Takes what a command needs.
   * @throws CairnError `busy` when there are not so many shares: more git runs than anybody has a place for
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
