/** Applies the flags of `cairn announce` to the previous announcement. */
import { isHttpUrlOrEmpty } from '../../config/plain-values.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Announcement, ProtectEntry, RepositoryFacts } from '../../nostr/announcement.ts';
import {
  canonicalRelayUrl,
  canonicalRepositoryUrl,
  fossilUrl,
  gitUrl,
  graspUrl,
  relayUrl,
} from '../../nostr/repository-url.ts';
import { parseProtection } from '../../policy/protection.ts';
import { badValue } from '../flag-values.ts';
import { publicKeyArgument } from '../public-key-argument.ts';

/** The flags of `cairn announce`, as typed. Facts without a flag stay. */
export interface AnnounceFlags {
  readonly name?: string;
  readonly description?: string;
  readonly web?: readonly string[];
  readonly maintainer?: readonly string[];
  readonly removeMaintainer?: readonly string[];
  readonly protect?: readonly string[];
  readonly unprotect?: readonly string[];
  readonly private?: boolean;
  readonly public?: boolean;
  readonly reader?: readonly string[];
  readonly removeReader?: readonly string[];
  readonly objectFormat?: string;
  readonly earliestCommit?: string;
  readonly grasp?: boolean;
  readonly fossil?: boolean;
}

/** The owner of the repository, and its server. */
export interface RepositoryHere {
  readonly server: string;
  readonly owner: string;
  readonly identifier: string;
}

/**
 * The facts to announce: the old ones with the changes, and with the clone URL of this server added.
 * @throws CairnError `invalid` when a flag has a value that is not allowed in an announcement
 */
export function changedFacts(
  old: Announcement | undefined,
  flags: AnnounceFlags,
  here: RepositoryHere,
): RepositoryFacts {
  const { server, owner, identifier } = here;
  const name = flags.name ?? old?.name;
  const description = flags.description ?? old?.description;
  const earliestUniqueCommit = commitOf(flags.earliestCommit) ?? old?.earliestUniqueCommit;
  const objectFormat = objectFormatOf(flags.objectFormat) ?? old?.objectFormat;
  const maintainers = changedKeys('maintainer', old?.maintainers, flags.maintainer, flags.removeMaintainer);
  const readers = changedKeys('reader', old?.readers, flags.reader, flags.removeReader);
  const isPrivate = privacyOf(flags) ?? old?.private ?? false;
  if (!isPrivate && flags.reader !== undefined) {
    throw new CairnError('invalid', '--reader: the repository is public: add --private');
  }
  const vcs = flags.fossil === true ? 'fossil' : old?.vcs;
  const isFossil = vcs === 'fossil';
  checkFossil(isFossil, old, flags);
  return {
    identifier,
    ...(name === undefined || name === '' ? {} : { name }),
    ...(description === undefined || description === '' ? {} : { description }),
    clone: isFossil
      ? withUrl(old?.clone ?? [], fossilUrl(server, owner, identifier), canonicalRepositoryUrl)
      : cloneUrls(old?.clone ?? [], here, flags.grasp === true),
    web: flags.web?.map(webPage) ?? old?.web ?? [],
    relays: withUrl(old?.relays ?? [], relayUrl(server), canonicalRelayUrl),
    maintainers: maintainers.filter((key) => key !== owner),
    ...(earliestUniqueCommit === undefined ? {} : { earliestUniqueCommit }),
    hashtags: old?.hashtags ?? [],
    protection: changedProtection(old?.protection ?? [], flags),
    private: isPrivate,
    readers,
    ...(objectFormat === undefined ? {} : { objectFormat }),
    ...(vcs === undefined ? {} : { vcs }),
  };
}

/** A repository stays what it was announced as, and of Fossil there are no object formats, protected refs and signed states. */
function checkFossil(isFossil: boolean, old: Announcement | undefined, flags: AnnounceFlags): void {
  if (!isFossil) return;
  if (flags.fossil === true && old !== undefined && old.vcs !== 'fossil') {
    throw new CairnError(
      'conflict',
      '--fossil: a git repository of this name is announced; use another name',
    );
  }
  const ofGit = { grasp: flags.grasp, 'object-format': flags.objectFormat, protect: flags.protect };
  const [name] = Object.entries(ofGit).find(([, value]) => value !== undefined && value !== false) ?? [];
  if (name !== undefined) throw new CairnError('invalid', `--${name}: only for repositories of git`);
}

function cloneUrls(old: readonly string[], here: RepositoryHere, grasp: boolean): string[] {
  const { server, owner, identifier } = here;
  const urls = withUrl(old, gitUrl(server, owner, identifier), canonicalRepositoryUrl);
  return grasp ? withUrl(urls, graspUrl(server, owner, identifier), canonicalRepositoryUrl) : urls;
}

/** Appends a URL unless the list has it, in any spelling. */
function withUrl(
  urls: readonly string[],
  url: string,
  canonical: (url: string) => string | undefined,
): string[] {
  const there = urls.some((other) => canonical(other) === canonical(url));
  return there ? [...urls] : [...urls, url];
}

/**
 * Keys with some added and some removed.
 * @param role the name of the flag that adds one
 * @throws CairnError `invalid` for a removed key that is not there: somebody who mistypes a key must not believe it is gone
 */
function changedKeys(
  role: 'maintainer' | 'reader',
  old: readonly string[] = [],
  added: readonly string[] = [],
  removed: readonly string[] = [],
): string[] {
  const keys = new Set([...old, ...added.map((key) => publicKeyArgument(key, `--${role}`))]);
  for (const text of removed) {
    if (keys.delete(publicKeyArgument(text, `--remove-${role}`))) continue;
    throw new CairnError('invalid', `--remove-${role}: the announcement names no ${role} ${text}`);
  }
  return [...keys];
}

function webPage(text: string): string {
  if (text !== '' && isHttpUrlOrEmpty(text)) return text;
  throw badValue('--web', text, 'http://… or https://…');
}

/** New rules of a pattern replace its old ones. */
function changedProtection(
  old: readonly ProtectEntry[],
  { protect = [], unprotect = [] }: AnnounceFlags,
): ProtectEntry[] {
  const given = protect.map((text): ProtectEntry => {
    const [pattern = '', ...rules] = text.trim().split(/\s+/);
    if (rules.length > 0) return { pattern, rules };
    throw badValue('--protect', text, '"<pattern> <rule> …"');
  });
  const checked = parseProtection(given);
  if (!checked.ok) throw new CairnError('invalid', `--protect: ${checked.reason}`);
  const unknown = unprotect.find((pattern) => !old.some((entry) => entry.pattern === pattern));
  if (unknown !== undefined) {
    throw new CairnError('invalid', `--unprotect: nothing protects ${JSON.stringify(unknown)}`);
  }
  const replaced = new Set([...unprotect, ...given.map(({ pattern }) => pattern)]);
  return [...old.filter(({ pattern }) => !replaced.has(pattern)), ...given];
}

function privacyOf(flags: AnnounceFlags): boolean | undefined {
  if (flags.private === true && flags.public === true) {
    throw new CairnError('invalid', '--private and --public cannot be combined');
  }
  if (flags.private === true) return true;
  return flags.public === true ? false : undefined;
}

function objectFormatOf(text: string | undefined): 'sha1' | 'sha256' | undefined {
  if (text === undefined || text === 'sha1' || text === 'sha256') return text;
  throw badValue('--object-format', text, 'sha1 or sha256');
}

function commitOf(text: string | undefined): string | undefined {
  if (text === undefined || /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) return text;
  throw badValue('--earliest-commit', text, 'a whole commit id');
}
