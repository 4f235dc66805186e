import { readClientSettings } from '../config/client-settings.ts';
import type { GivenFlags } from '../config/given-flags.ts';
import { systemClock } from '../lib/clock.ts';
import { counted } from '../lib/counted.ts';
import { isDigest } from '../lib/digest.ts';
import { CairnError } from '../lib/errors.ts';
import { formatAddress } from '../nostr/address.ts';
import { encodeEvent, type NostrEvent } from '../nostr/event.ts';
import { kinds } from '../nostr/kinds.ts';
import { formatNpub } from '../nostr/public-key.ts';
import { firstValue } from '../nostr/tags.ts';
import type { CommandContext } from './command-context.ts';
import { readSignerIfAny } from './credential/key.ts';
import { badValue, countValue } from './flag-values.ts';
import { publicKeyArgument } from './public-key-argument.ts';
import { type Query, ServerConnection, serverOf } from './server-connection.ts';

/** The flags of `cairn events`, as typed. */
export interface EventsFlags {
  readonly id?: readonly string[];
  readonly kind?: readonly string[];
  readonly author?: readonly string[];
  readonly repository?: string;
  readonly tag?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly limit: string;
  readonly json?: boolean;
}

/**
 * `cairn events`: prints the events that the server has, newest first. With a key, also those that only the key's
 * owner may see.
 */
export async function events(
  options: EventsFlags,
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  const settings = readClientSettings(flags, context.environment);
  const server = serverOf(settings);
  const queries = queriesOf(options);
  const signer = await readSignerIfAny(settings);
  const { signal } = context;
  await using connection = await ServerConnection.open({ server, signer, clock: systemClock, signal });
  const found = await connection.query(queries);
  // The limit applies to each query, so that several queries can return more.
  for (const event of found.slice(0, countValue('--limit', options.limit))) {
    context.print(options.json === true ? encodeEvent(event) : describe(event));
  }
}

/**
 * The queries for the relay. All conditions must hold. For a repository: what its owner says about it, or what refers
 * to it.
 * @throws CairnError `invalid` when a flag has an invalid value
 */
export function queriesOf(options: EventsFlags): Query[] {
  const tags: Record<string, string[]> = {};
  for (const text of options.tag ?? []) {
    const [, letter, value] = /^([A-Za-z])=(.*)$/s.exec(text) ?? [];
    if (letter === undefined || value === undefined) {
      throw badValue('--tag', text, '<letter>=<value>');
    }
    tags[`#${letter}`] = [...(tags[`#${letter}`] ?? []), value];
  }
  const conditions: Query = {
    ...(options.id === undefined ? {} : { ids: options.id.map(idOf) }),
    ...(options.kind === undefined ? {} : { kinds: options.kind.map(kindOf) }),
    ...(options.author === undefined
      ? {}
      : { authors: options.author.map((key) => publicKeyArgument(key, '--author')) }),
    ...(options.since === undefined ? {} : { since: timeOf('--since', options.since) }),
    ...(options.until === undefined ? {} : { until: timeOf('--until', options.until) }),
    ...tags,
    limit: countValue('--limit', options.limit),
  };
  return options.repository === undefined ? [conditions] : aboutRepository(options.repository, conditions);
}

function aboutRepository(name: string, conditions: Query): Query[] {
  const slash = name.indexOf('/');
  if (slash === -1) throw badValue('--repository', name, '<owner>/<identifier>');
  if (conditions['#a'] !== undefined || conditions['#d'] !== undefined) {
    throw new CairnError('invalid', '--repository already sets the a and d tags: leave out --tag');
  }
  const owner = publicKeyArgument(name.slice(0, slash), '--repository');
  const identifier = name.slice(slash + 1).replace(/\.git$/, '');
  const address = formatAddress({ kind: kinds.repository, pubkey: owner, identifier });
  const referring: Query = { ...conditions, '#a': [address] };
  if (conditions.authors?.includes(owner) === false) return [referring];
  const own = [kinds.repository, kinds.repositoryState].filter(
    (kind) => conditions.kinds?.includes(kind) ?? true,
  );
  if (own.length === 0) return [referring];
  return [referring, { ...conditions, kinds: own, authors: [owner], '#d': [identifier] }];
}

function idOf(text: string): string {
  if (isDigest(text)) return text;
  throw badValue('--id', text, 'a whole id, 64 lower-case hex characters');
}

/** A number, or a name such as `pull-request`. */
function kindOf(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  const found = Object.entries(kinds).find(([name]) => kebab(name) === text);
  if (found !== undefined) return found[1];
  const known = Object.keys(kinds).map(kebab).join(', ');
  throw badValue('--kind', text, `a number or one of ${known}`);
}

function timeOf(flag: string, text: string): number {
  const at = /^\d+$/.test(text) ? Number(text) : Math.floor(Date.parse(text) / 1000);
  if (Number.isSafeInteger(at)) return at;
  throw badValue(flag, text, 'seconds since 1970 or a date such as 2026-01-31');
}

/** One line for people, with control characters of strangers removed. */
function describe(event: NostrEvent): string {
  const name = Object.entries(kinds).find(([, kind]) => kind === event.kind)?.[0];
  const words = [
    new Date(event.created_at * 1000).toISOString(),
    event.id,
    formatNpub(event.pubkey),
    name === undefined ? String(event.kind) : kebab(name),
    summary(event),
  ];
  return words.join('  ').trimEnd();
}

function summary(event: NostrEvent): string {
  const refs = event.tags.filter(([name = '']) => /^refs\/(?:heads|tags)\//.test(name)).length;
  const text =
    event.kind === kinds.repositoryState
      ? `${firstValue(event, 'd') ?? ''} (${counted(refs, 'ref')})`
      : (firstValue(event, 'subject') ?? firstValue(event, 'd') ?? event.content);
  return [...text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()].slice(0, 100).join('');
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
