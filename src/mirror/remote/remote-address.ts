/**
 * Where a repository is, as git names it (git-fetch(1), "GIT URLS"): an HTTP(S) URL, an SSH URL or `user@host:path`, the path of a
 * repository, or the path of a bundle file.
 */
import { resolve } from 'node:path';
import { CairnError } from '../../lib/errors.ts';
import { displayUrl, parseUrl } from '../../outbound/display-url.ts';

export type RemoteAddress =
  | { readonly kind: 'http'; readonly url: URL }
  | SshAddress
  /** A repository, or a bundle file, on this machine. */
  | { readonly kind: 'local'; readonly path: string };

export interface SshAddress {
  readonly kind: 'ssh';
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
  /** As the server gets it: absolute, relative to the home folder, or beginning with `~`. */
  readonly path: string;
}

/** What is read from the address by a scheme: `<name>://`. */
const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
/** `<name>::<address>`: git would run `git-remote-<name>` (gitremote-helpers(7)). */
const HELPER = /^[a-z][a-z0-9+.-]*::/i;
/**
 * `user@host:path`, where the host may be an IPv6 address in brackets, or `host:port`, or `user@host:port`. A colon after a slash belongs to
 * a path.
 */
const SCP_FORM = /^(?:([^@/:[]+)@)?(\[[^\]]+\]|[^:/@[\]]+):(.*)$/s;
/** Host and path of a URL whose path is taken as it is. With `?`, `#` and `/../` in it, too: they have no meaning there. */
const PLAIN_URL = /^[^:]+:\/\/([^/]*)(.*)$/s;

/**
 * Reads the address of a repository.
 * @throws CairnError `invalid` when it is not one, with a text that shows no password
 */
export function parseRemoteAddress(text: string): RemoteAddress {
  const trimmed = text.trim();
  if (trimmed === '') throw new CairnError('invalid', 'the address of a repository is empty');
  mustBePrintable(trimmed);
  if (HELPER.test(trimmed))
    throw new CairnError('invalid', 'remote helpers of git (<name>::) are not supported');
  const scheme = SCHEME.exec(trimmed)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'http':
    case 'https':
      return { kind: 'http', url: httpUrl(trimmed) };
    case 'ssh':
    case 'git+ssh':
    case 'ssh+git':
      return sshUrl(trimmed);
    case 'file':
      return { kind: 'local', path: filePath(trimmed) };
    case undefined:
      return scpForm(trimmed) ?? { kind: 'local', path: trimmed };
    default:
      throw new CairnError(
        'invalid',
        `${scheme}:// is not supported: use https://, http://, ssh://, user@host:path, or a path`,
      );
  }
}

/** The address as a person may see it: without user names and passwords of HTTP URLs, and without their queries. */
export function displayAddress(address: RemoteAddress): string {
  switch (address.kind) {
    case 'http':
      return displayUrl(address.url);
    case 'ssh': {
      const user = address.user === undefined ? '' : `${address.user}@`;
      const port = address.port === undefined ? '' : `:${address.port}`;
      const path = address.path.startsWith('/') ? address.path : `/${address.path}`;
      return `ssh://${user}${bracketed(address.host)}${port}${path}`;
    }
    case 'local':
      return address.path;
  }
}

/**
 * True when both addresses name the same repository for certain: equal but for user names, a default port, the case of the host, slashes
 * at the end, and whether a path begins in the current folder. Two addresses that differ may still name the same one.
 */
export function isSameRepository(a: RemoteAddress, b: RemoteAddress): boolean {
  return identity(a) === identity(b);
}

function identity(address: RemoteAddress): string {
  switch (address.kind) {
    case 'http':
      return `${address.url.protocol}//${address.url.host}${withoutSlashes(address.url.pathname)}`;
    case 'ssh':
      return `ssh://${address.host.toLowerCase()}:${address.port ?? 22}/${withoutSlashes(address.path)}`;
    case 'local':
      return `file://${resolve(address.path)}`;
  }
}

function withoutSlashes(path: string): string {
  return path.replace(/\/+$/, '');
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function httpUrl(text: string): URL {
  const url = parseUrl(text);
  if (url === undefined || url.hostname === '') throw notAnAddress();
  url.hash = '';
  url.pathname = withoutSlashes(url.pathname) || '/';
  return url;
}

function sshUrl(text: string): SshAddress {
  const [, authority = '', rawPath = ''] = PLAIN_URL.exec(text) ?? [];
  const url = parseUrl(`ssh://${authority}/`);
  if (url === undefined || url.hostname === '' || url.search !== '' || url.hash !== '') throw notAnAddress();
  if (url.password !== '') {
    throw new CairnError('invalid', 'an ssh:// address cannot contain a password: use a key or an agent');
  }
  return checkedSsh({
    kind: 'ssh',
    user: url.username === '' ? undefined : decoded(url.username),
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? undefined : Number(url.port),
    path: decoded(rawPath),
  });
}

function scpForm(text: string): SshAddress | undefined {
  const [, user, host, path] = SCP_FORM.exec(text) ?? [];
  if (host === undefined || path === undefined) return undefined;
  if (!host.startsWith('[')) return checkedSsh({ kind: 'ssh', user, host, port: undefined, path });
  const inner = inBrackets(host.slice(1, -1));
  if (user !== undefined && inner.user !== undefined) throw notAnAddress();
  return checkedSsh({ kind: 'ssh', ...inner, user: user ?? inner.user, path });
}

/** What brackets hold: an IPv6 address, or a host and a port, perhaps after a user (git, `connect.c`: `get_host_and_port`). */
function inBrackets(text: string): Pick<SshAddress, 'user' | 'host' | 'port'> {
  const at = text.indexOf('@');
  const user = at === -1 ? undefined : text.slice(0, at);
  const place = text.slice(at + 1);
  const [, host = place, digits] = /^([^:]+):(\d+)$/.exec(place) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (user === '' || host === '' || (port ?? 0) > 65_535) throw notAnAddress();
  return { user, host, port };
}

/** `ssh` would take a word that begins with `-` as an option (CVE-2017-1000117). */
function checkedSsh(named: SshAddress): SshAddress {
  // As in git: /~user/x is relative to a home folder.
  const address = named.path.startsWith('/~') ? { ...named, path: named.path.slice(1) } : named;
  const { user = '', host, path } = address;
  mustBePrintable(user + path);
  if (host.startsWith('-') || user.startsWith('-') || path.startsWith('-')) {
    throw new CairnError('invalid', 'host, user and path of an SSH address must not begin with "-"');
  }
  if (path === '' || path === '/') throw new CairnError('invalid', 'the SSH address has no path');
  return address;
}

function filePath(text: string): string {
  const [, host = '', rawPath = ''] = PLAIN_URL.exec(text) ?? [];
  if ((host !== '' && host.toLowerCase() !== 'localhost') || rawPath === '') throw notAnAddress();
  const path = decoded(rawPath);
  mustBePrintable(path);
  return path;
}

/** Percent-encoded characters are looked at once they are decoded. */
function mustBePrintable(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (!/[\u0000-\u001f\u007f]/.test(text)) return;
  throw new CairnError('invalid', 'the address of a repository contains control characters');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notAnAddress();
  }
}

function notAnAddress(): CairnError {
  return new CairnError('invalid', 'this is not the address of a repository');
}
