import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * The address a request comes from. Each proxy appends to `X-Forwarded-For` who called it, so that with n proxies of
 * our own in front the n-th address from the end was written by one of them. Anybody may have made up those before it.
 *
 * @param trustedProxies how many proxies in front of this server are ours; 0 believes no header
 */
export function clientAddress(incoming: IncomingMessage, trustedProxies: number): string {
  const direct = incoming.socket.remoteAddress ?? '';
  if (trustedProxies === 0) return direct;
  const header = incoming.headers['x-forwarded-for'] ?? '';
  const addresses = String(header)
    .split(',')
    .map((address) => address.trim());
  const address = addresses.at(-trustedProxies) ?? '';
  return isIP(address) === 0 ? direct : address;
}
