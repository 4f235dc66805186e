import type { AccessMode } from '../../policy/push-entry.ts';

/** The owner's description of a repository, and facts of the service beside its published state. Plain values. */
export interface About {
  readonly access: AccessMode;
  /** Absent where the owner has given none. */
  readonly description?: string;
  /** Links to pages elsewhere. Only http and https. */
  readonly web: readonly string[];
  readonly topics: readonly string[];
  /** The last change of branches and tags. */
  readonly lastChange?: LastChange;
  /** By public key in hex: names that people chose. They are not verified. */
  readonly names: Readonly<Record<string, string>>;
}

export interface LastChange {
  /** Seconds. */
  readonly at: number;
  /** Public keys in hex of those who made it. */
  readonly by: readonly string[];
}

/** The facts about a repository without announcement. */
export const NOTHING_SAID: About = { access: 'signed', web: [], topics: [], names: {} };
