/** What a mirror run tells while it works. Everything in it is safe to print. */

export type Side = 'source' | 'target';

/**
 * What a run is doing, in the order in which it happens: listing refs, finding out what is an ancestor of what, waiting for the source
 * to count objects, sending its pack, waiting for the target to accept it.
 */
export type Phase = 'listing' | 'ancestry' | 'counting' | 'relaying' | 'waiting' | 'local';

export interface MirrorObserver {
  /** Another phase begins. `detail` tells which part of several it is, for example `pack 3/8`. */
  phase(phase: Phase, detail?: string): void;
  /** Bytes of a pack went by. */
  relayed(bytes: number): void;
  /** A remote told something, as it was sent: with carriage returns where a line is to be replaced. */
  message(side: Side, text: string): void;
  /** Something a person should know: one line. */
  notice(text: string): void;
}

/** Does nothing. */
export const silent: MirrorObserver = {
  phase: () => undefined,
  relayed: () => undefined,
  message: () => undefined,
  notice: () => undefined,
};
