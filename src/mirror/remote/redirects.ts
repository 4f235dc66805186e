import type { Service } from '../../git/index.ts';
import { mayCarryCredentials } from '../../outbound/credentials.ts';
import { displayUrl, parseUrl } from '../../outbound/display-url.ts';
import type { HttpAnswer } from '../../outbound/http-transport.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { advertisementUrl } from './service-url.ts';

/** As many as git follows (`http.c`). */
export const maxRedirects = 20;

/** True for an answer that leads elsewhere. 304 and 300 lead nowhere. */
export function isRedirect({ status }: HttpAnswer): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/**
 * Where a redirected request for an advertisement leads: the URL of the repository there.
 * @param from the URL of the repository that was asked
 * @param toOtherHosts whether it may be another host
 * @throws RemoteError `forbidden` if it may not be followed, `corrupt` if it does not lead to a repository
 */
export function redirected(
  { status, headers }: HttpAnswer,
  from: URL,
  service: Service,
  toOtherHosts: boolean,
): URL {
  const to = parseUrl(headers['location'] ?? '', advertisementUrl(from, service));
  const where = displayUrl(from);
  if (to === undefined || !/^https?:$/.test(to.protocol)) {
    throw new RemoteError('corrupt', `${where} redirects to nowhere`, { status });
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new RemoteError('forbidden', `${where} redirects to ${displayUrl(to)}, without encryption`, {
      status,
    });
  }
  if (!toOtherHosts && !mayCarryCredentials(from, to)) {
    const text = `${where} redirects to another host, ${to.host}: name that host instead, or allow redirects to others`;
    throw new RemoteError('forbidden', text, { status });
  }
  // Requests that follow go below the same folder, which the URL has to show (git, `update_url_from_redirect`).
  const base = /^(.*)\/info\/refs$/.exec(to.pathname)?.[1];
  if (base === undefined || to.searchParams.get('service') !== service) {
    const text = `${where} redirects to ${displayUrl(to)}, which is not the address of a repository`;
    throw new RemoteError('corrupt', text, { status });
  }
  const repository = new URL(to.origin);
  repository.pathname = base;
  return repository;
}
