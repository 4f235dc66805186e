import { isIPv6 } from 'node:net';

/**
 * Identifies a caller: by the IPv4 address, or by the first 64 bits of an IPv6 address, because one network usually owns all
 * addresses with the same first 64 bits.
 */
export function callerAddress(address: string): string {
  // Most addresses are IPv4, and two regular expressions take longer than this.
  if (!address.includes(':')) return address;
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [front = '', back] = (address.split('%')[0] ?? '').split('::');
  const first = groupsOf(front);
  const last = groupsOf(back ?? '');
  const gap = back === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...new Array<string>(gap).fill('0'), ...last];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text.split(':').map((group) => Number.parseInt(group, 16).toString(16));
}
