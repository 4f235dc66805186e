export type EventClass = 'regular' | 'replaceable' | 'ephemeral' | 'addressable';

/**
 * How many events of a kind are kept (NIP-01): all of a regular kind, the newest per author of a replaceable one, the
 * newest per author and `d` tag of an addressable one, none of an ephemeral one.
 */
export function eventClass(kind: number): EventClass {
  if (kind === 0 || kind === 3 || (kind >= 10_000 && kind < 20_000)) return 'replaceable';
  if (kind >= 20_000 && kind < 30_000) return 'ephemeral';
  if (kind >= 30_000 && kind < 40_000) return 'addressable';
  return 'regular';
}
