import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import type { FaultSites } from '../faults.ts';
import type { RoundEnd, SyncObserver } from '../observer.ts';
import type { Tables } from '../table-sync/table-exchange.ts';
import type { ClientLimits } from './client-limits.ts';

/** The account of a client. Without one it is anonymous ("nobody"). */
export interface Account {
  readonly user: string;
  /** Or the secret made of it, in 40 hex digits. */
  readonly password: string;
}

/** What every session of a client takes. */
export interface SessionOptions {
  readonly account?: Account;
  /** Ends the session between two rounds, or in the middle of an exchange: its reason is thrown. */
  readonly signal?: AbortSignal;
  readonly observer?: Partial<SyncObserver>;
  /** Called after each round with what it did. */
  readonly progress?: (round: RoundEnd) => void;
  /** A name for the server in what the observer is told. */
  readonly peer?: string;
  readonly limits?: Partial<ClientLimits>;
  /** Faults for tests. */
  readonly faults?: FaultSites;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface SyncOptions extends SessionOptions {
  /** Send what the server does not have; true if absent. */
  readonly push?: boolean;
  /** Fetch what is not here; true if absent. */
  readonly pull?: boolean;
  /** Unversioned files, in the directions that `push` and `pull` say. */
  readonly unversioned?: boolean;
  /** Private artifacts, too. The server needs to allow it. */
  readonly privateArtifacts?: boolean;
  /** Let the server announce everything it has, not only what is in no cluster (`--verily` of Fossil). */
  readonly catalog?: boolean;
  /** Says that a check-in on top of `parent` is being made. Somebody else may say so already: then the result names them. */
  readonly checkInLock?: { readonly parent: ArtifactName; readonly client: string };
  /** Ends the lock of this client. */
  readonly checkInUnlock?: string;
  /**
   * Tables to bring to the same rows as those of the server afterwards; absent: the extension is off. A server that does not
   * know it is sent nothing but pragmas that it ignores.
   */
  readonly tables?: Tables;
}

export interface CloneOptions extends SessionOptions {
  /** Unversioned files, too. */
  readonly unversioned?: boolean;
  /** Private artifacts, too. The server needs to allow it. */
  readonly privateArtifacts?: boolean;
}
