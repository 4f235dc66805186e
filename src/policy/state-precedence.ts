/** Which of several signed states counts. */

/** What decides which of two signed states is newer. */
export interface StateStamp {
  readonly id: string;
  /** Public key of its author. */
  readonly author: string;
  /** Seconds. */
  readonly at: number;
}

/** How far a signed state may be dated ahead, in seconds. Without a bound one key could block all later states for ever. */
export const maxStateAhead = 15 * 60;

/** Why a signed state is not taken because of its date, or undefined. @param now seconds */
export function stateDateProblem(state: StateStamp, now: number): string | undefined {
  if (state.at <= now + maxStateAhead) return undefined;
  return `the state is dated ${state.at - now} s ahead, at most ${maxStateAhead} s are taken: check your clock`;
}

/**
 * True when a signed state is newer than the one applied last: its date is later. At the same second the lower id wins among
 * states of one author, because NIP-01 keeps that one. Among authors the higher id wins, as in the clients in use.
 */
export function isNewerState(state: StateStamp, applied: StateStamp | null): boolean {
  if (applied === null) return true;
  if (state.at !== applied.at) return state.at > applied.at;
  if (state.id === applied.id) return false;
  return state.author === applied.author ? state.id < applied.id : state.id > applied.id;
}

/** Why a signed state does not count beside another one, by {@link isNewerState}; a text for its author. */
export function whyOutdated(state: StateStamp, counting: StateStamp): string {
  if (state.at !== counting.at) return 'a newer state has been signed';
  return state.author === counting.author
    ? 'you signed another state in the same second; the one with the lower id counts: sign this one again'
    : 'another author signed a state in the same second; the one with the higher id counts: sign this one again';
}

/**
 * True for a state that was signed before the owner withdrew the repository. It does not count in a repository that was
 * announced again since: anyone may have sent the old event again.
 */
export function isFromBefore(
  state: Pick<StateStamp, 'at'>,
  withdrawal: { readonly at: number } | undefined,
): boolean {
  return withdrawal !== undefined && state.at <= withdrawal.at;
}

/** The newest state of each author, which is the one that NIP-01 keeps. */
export function currentStates<State extends StateStamp>(states: Iterable<State>): State[] {
  const ofAuthor = new Map<string, State>();
  for (const state of states) {
    const known = ofAuthor.get(state.author);
    if (known === undefined || isNewerState(state, known)) ofAuthor.set(state.author, state);
  }
  return [...ofAuthor.values()];
}

/**
 * The state that counts among many, in whatever sequence they are given: the newest of {@link currentStates}. Comparing
 * pairs alone could run in a circle among three states of one second.
 */
export function newestState<State extends StateStamp>(states: Iterable<State>): State | undefined {
  let newest: State | undefined;
  for (const state of currentStates(states)) {
    if (newest === undefined || isNewerState(state, newest)) newest = state;
  }
  return newest;
}
