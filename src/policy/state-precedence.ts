/** Which of several orders counts. An order is a maintainer's signed statement of what the refs shall be. */

/** What tells the age of an order. */
export interface StateStamp {
  readonly id: string;
  /** Public key of its author. */
  readonly author: string;
  /** Seconds. */
  readonly at: number;
}

/** Seconds an order may be dated ahead. Without a bound one key could lock out all later orders for ever. */
export const maxOrderAhead = 15 * 60;

/** Why an order cannot be taken now, or undefined. @param now seconds */
export function stateDateProblem(order: StateStamp, now: number): string | undefined {
  if (order.at <= now + maxOrderAhead) return undefined;
  return `the state is dated ${order.at - now} s ahead, at most ${maxOrderAhead} s are taken: check your clock`;
}

/**
 * True when an order comes after the one applied last: it is dated later. At the same second the lower id counts among
 * the events of one author, since that is the one NIP-01 keeps; among authors the larger id, as the clients in use have it.
 */
export function isNewerState(order: StateStamp, applied: StateStamp | null): boolean {
  if (applied === null) return true;
  if (order.at !== applied.at) return order.at > applied.at;
  if (order.id === applied.id) return false;
  return order.author === applied.author ? order.id < applied.id : order.id > applied.id;
}

/** Why an order does not count beside another one that does, as {@link isNewerState} decides; for its author. */
export function whyOutdated(order: StateStamp, counting: StateStamp): string {
  if (order.at !== counting.at) return 'a newer state has been signed';
  return order.author === counting.author
    ? 'you signed another state in the same second, and of two the one with the lower id counts: sign this one anew'
    : 'somebody else signed another state in the same second, and of two authors the state with the higher id counts: sign this one anew';
}

/**
 * True for an order that was signed for a repository as it was before its owner withdrew it. One announced anew since has
 * nothing to do with that, and whoever sends the old order again speaks for nobody.
 */
export function isFromBefore(
  order: Pick<StateStamp, 'at'>,
  withdrawal: { readonly at: number } | undefined,
): boolean {
  return withdrawal !== undefined && order.at <= withdrawal.at;
}

/** The order of each author that NIP-01 keeps: his newest replaces the others. */
export function currentStates<Order extends StateStamp>(orders: Iterable<Order>): Order[] {
  const ofAuthor = new Map<string, Order>();
  for (const order of orders) {
    const known = ofAuthor.get(order.author);
    if (known === undefined || isNewerState(order, known)) ofAuthor.set(order.author, order);
  }
  return [...ofAuthor.values()];
}

/**
 * The order that counts among many, whatever sequence they are given in: the newest of those that
 * {@link currentStates} leaves. Pairwise comparison alone would run in circles among three of one second.
 */
export function newestState<Order extends StateStamp>(orders: Iterable<Order>): Order | undefined {
  let newest: Order | undefined;
  for (const order of currentStates(orders)) {
    if (newest === undefined || isNewerState(order, newest)) newest = order;
  }
  return newest;
}
