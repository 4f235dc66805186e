import { CairnError, messageOf, systemCode } from '../lib/errors.ts';

const OF_PORT: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses this port (EADDRINUSE)',
  EACCES: 'this user may not use this port: choose one above 1023 (EACCES)',
};
const OF_HOST: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'this machine does not have this address (EADDRNOTAVAIL)',
  ENOTFOUND: 'there is no such host (ENOTFOUND)',
};

/**
 * The error for an address that a server cannot listen on.
 * @param error what Node reports
 * @param flag the flag that has both host and port; absent: each has its own
 */
export function listenError(error: unknown, host: string, port: number, flag?: string): CairnError {
  const code = systemCode(error) ?? '';
  const reason = OF_PORT[code] ?? OF_HOST[code] ?? messageOf(error);
  const named = flag ?? (OF_HOST[code] === undefined ? '--port' : '--host');
  const shown = host.includes(':') ? `[${host}]` : host;
  return new CairnError('unavailable', `${named}: cannot listen on ${shown}:${port}: ${reason}`, {
    cause: error,
  });
}
