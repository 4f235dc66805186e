import type { Clock } from '../../lib/clock.ts';
import type { FaultSites } from '../faults.ts';
import type { SyncObserver } from '../observer.ts';
import type { Tables } from '../table-sync/table-exchange.ts';
import type { RoundLimits } from './round-limits.ts';

/** What the sender of a request may do. */
export interface RoundRights {
  /** Clone and pull. */
  readonly read: boolean;
  /** Push. */
  readonly write: boolean;
  /** See and send private artifacts. */
  readonly privateArtifacts: boolean;
  /** Send unversioned files. */
  readonly unversioned: boolean;
}

export const NO_RIGHTS: RoundRights = {
  read: false,
  write: false,
  privateArtifacts: false,
  unversioned: false,
};

export interface RoundContext {
  readonly rights: RoundRights;
  /** Whose login was verified; undefined for requests without one. */
  readonly user: string | undefined;
  /** Public key of that user. */
  readonly actor: string | undefined;
  readonly clock: Clock;
  readonly limits: RoundLimits;
  /** Signs the cookies of clones: the same for all servers over one store. */
  readonly cookieKey: Uint8Array;
  /** 40 hex digits that name the server. Clients only show them. */
  readonly serverCode: string;
  readonly observer: SyncObserver;
  /** Tables that peers may exchange; absent: the extension is off. */
  readonly tables?: Tables;
  /** Absent in production. */
  readonly faults?: FaultSites;
  /** Aborted when the client has gone. What was taken in is published all the same. */
  readonly signal?: AbortSignal;
}
