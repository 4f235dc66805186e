/**
 * The relay's limits are by connection and by address. To measure it and not them, every client calls from an address of
 * his own, as a proxy in front of the server would report it.
 */

/** Flags of a server that believes the proxy. */
export const behindProxy: readonly string[] = ['--trusted-proxies', '1'];

/** The address of one of 2²⁴ clients. */
export function callerAddress(number: number): string {
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}
