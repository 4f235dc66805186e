/** How a source is opened that git itself has to fetch from: with what credentials, within what bounds. */
import { systemClock } from '../lib/clock.ts';
import { authorizationOf, credentialsOf, decoded } from '../outbound/credentials.ts';
import { displayUrl } from '../outbound/display-url.ts';
import { Secrets } from '../outbound/secrets.ts';
import type { ScratchPlace } from './graph/scratch.ts';
import type { ProtocolVersion } from './remote/connection.ts';
import type { ConnectionOptions } from './remote/open-connection.ts';
import { displayAddress, type RemoteAddress } from './remote/remote-address.ts';
import { openFetchedSource } from './run/fetched-source.ts';
import type { MirrorLimits } from './run/mirror-run.ts';
import type { Remotes } from './run/run-mirror.ts';

/** The parameters of such a fetch. */
export interface ReachedByGit {
  readonly source: { readonly address: string; readonly connection?: ConnectionOptions };
  /** The git to run; `git` if absent. */
  readonly git?: string;
  readonly protocol?: ProtocolVersion | 'auto';
  readonly limits?: Pick<Partial<MirrorLimits>, 'maxPackBytes'>;
}

/** True for an address that git reaches with a transport or a remote helper of its own: `git://…`, `ftp://…`, `<helper>::…`. */
export function isForGitAlone(address: string): boolean {
  return /^(git|ftps?):\/\/|^[a-z0-9][a-z0-9+.-]*::/i.test(address.trim());
}

/** The user part of a URL. */
const USER_PART = /(\b[a-z][a-z0-9+.-]*:\/\/)([^/\s]*)@/gi;

/** An address for git as a person may see it: without the user parts and the queries of URLs. */
export function displayForGit(address: string): string {
  return address.trim().replace(USER_PART, '$1').replace(/\?\S*/g, '');
}

/** Keeps the passwords in an address for git out of what git says. */
function addPasswords(address: string, secrets: Secrets): void {
  for (const [, , user = ''] of address.matchAll(USER_PART)) {
    const [name = '', ...password] = user.split(':');
    if (password.length === 0) continue;
    secrets.add(password.join(':'), name);
    secrets.add(decoded(password.join(':')), decoded(name));
  }
}

/**
 * How git itself reaches the source; undefined where addresses are guarded, or requests are carried by somebody else.
 * @param address undefined for one that only git reaches
 * @param scratch asked for when the source is opened
 */
export function copyOpener(
  address: RemoteAddress | undefined,
  { source, git = 'git', protocol = 'auto', limits }: ReachedByGit,
  scratch: () => Promise<ScratchPlace>,
): Remotes['copied'] {
  const { guard, transport, waitingTimes, environment = process.env } = source.connection ?? {};
  if (guard !== undefined || transport !== undefined) return undefined;
  const secrets = new Secrets();
  const url = address?.kind === 'http' ? address.url : undefined;
  const settings = httpSettings(url, secrets, source.connection);
  if (address === undefined) addPasswords(source.address, secrets);
  const shown = address === undefined ? displayForGit(source.address) : displayAddress(address);
  return async (prefixes, signal) =>
    openFetchedSource({
      address: source.address.trim(),
      shown,
      git,
      environment,
      settings,
      redact: (text) => secrets.redact(text),
      scratch: await scratch(),
      maxPackBytes: limits?.maxPackBytes,
      ...(waitingTimes === undefined ? {} : { waitingTimes }),
      ...(protocol === 'auto' ? {} : { protocol }),
      clock: systemClock,
      prefixes,
      signal,
    });
}

/**
 * Settings that make git show the credentials to the host that they are meant for, and to no other. A key cannot be handed on.
 * A header that git is told goes along with redirects, and to the alternates of a repository that is served as files: git
 * follows neither where there are credentials, or where the user has not allowed it.
 */
function httpSettings(
  url: URL | undefined,
  secrets: Secrets,
  { credentials, followRedirects = false }: ConnectionOptions = {},
): [key: string, value: string][] {
  const explicit = credentials ?? (url === undefined ? undefined : credentialsOf(url));
  const stays: [string, string][] = [['http.followRedirects', 'false']];
  // The user's own settings may name a URL. The longest one wins, and of two equal ones this.
  if (url !== undefined) stays.push([`http.${displayUrl(url)}.followRedirects`, 'false']);
  const settings = explicit !== undefined || !followRedirects ? stays : [];
  if (url === undefined || explicit === undefined || explicit.kind === 'nostr') return settings;
  const header = authorizationOf(explicit, displayUrl(url), systemClock, secrets);
  // Git reads a password in the address by itself.
  if (credentials === undefined) return settings;
  return [...settings, [`http.${url.origin}/.extraHeader`, `Authorization: ${header}`]];
}
