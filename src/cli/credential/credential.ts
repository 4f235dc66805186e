/**
 * `cairn credential`: git runs it to get the credentials of a push (gitcredentials(7), git-credential(1)). The answer
 * is a new token, signed for the repository that git names. Nothing is stored, so nothing is erased.
 */
import type { Readable } from 'node:stream';
import { readClientSettings } from '../../config/client-settings.ts';
import type { GivenFlags } from '../../config/given-flags.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import { encodeToken, tokenTemplate, tokenTolerance } from '../../nostr/nip98.ts';
import { formatNpub } from '../../nostr/public-key.ts';
import { canonicalRepositoryUrl } from '../../nostr/repository-url.ts';
import type { Signer } from '../../nostr/sign.ts';
import type { CommandContext } from '../command-context.ts';
import { readSigner } from './key.ts';

/** The part of git's request that matters here. */
export interface CredentialRequest {
  readonly protocol: string;
  /** With the port if the URL has one. */
  readonly host: string;
  /** Percent-decoded, without a leading slash; undefined unless `credential.useHttpPath` is set. */
  readonly path: string | undefined;
  readonly username: string | undefined;
  /** `authtype`: git 2.46 and later can send other schemes than Basic. */
  readonly capabilities: readonly string[];
  /** The `WWW-Authenticate` headers of the response that made git ask; empty before git 2.41. */
  readonly challenges: readonly string[];
}

/** Git sends a few hundred bytes. */
const MAX_REQUEST_LENGTH = 256 * 1024;

/**
 * `cairn credential get`: answers git. The answer is empty for requests that are not for this helper, and git then
 * asks the next one.
 */
export async function credentialGet(
  flags: GivenFlags,
  context: CommandContext,
  input: Readable,
): Promise<void> {
  const settings = readClientSettings(flags, context.environment);
  const request = parseCredentialRequest(await readRequest(input));
  if (!isForUs(request, settings.server)) return;
  try {
    const url = repositoryUrlOf(request);
    const signer = await readSigner(settings);
    for (const line of credentialAnswer(request, url, signer, systemClock)) context.print(line);
  } catch (error) {
    // Otherwise git would ask the user for a password, which does not exist.
    context.print('quit=1');
    throw error;
  }
}

/** `cairn credential store` and `erase`: reads what git reports about a credential, and ignores it. */
export async function credentialNote(input: Readable): Promise<void> {
  await readRequest(input);
}

/**
 * `cairn credential <anything else>`: later versions of git may use more operations, and helpers must ignore unknown
 * ones silently (gitcredentials(7), "Custom helpers").
 * @throws CairnError `invalid` for a person at a terminal, who has mistyped a word
 */
export function credentialOther(operation: string | undefined, input: { readonly isTTY?: boolean }): void {
  if (operation !== undefined && input.isTTY !== true) return;
  const problem =
    operation === undefined
      ? 'an operation is missing'
      : `there is no operation ${JSON.stringify(operation)}`;
  throw new CairnError('invalid', `${problem}: expected get, store, erase or install`);
}

/** Reads `name=value` lines. The last value of a name counts; of `name[]`, all values after the last empty one. */
export function parseCredentialRequest(text: string): CredentialRequest {
  const single = new Map<string, string>();
  const lists = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (equals === -1) continue;
    const [name, value] = [line.slice(0, equals), line.slice(equals + 1).replace(/\r$/, '')];
    if (!name.endsWith('[]')) single.set(name, value);
    else if (value === '') lists.delete(name);
    else lists.set(name, [...(lists.get(name) ?? []), value]);
  }
  return {
    protocol: single.get('protocol') ?? '',
    host: single.get('host') ?? '',
    path: single.get('path'),
    username: single.get('username'),
    capabilities: lists.get('capability[]') ?? [],
    challenges: lists.get('wwwauth[]') ?? [],
  };
}

/**
 * Whether a request is for this helper: it comes from the server that the helper was installed for, or asks for the
 * Nostr scheme. No other server learns whose key is here.
 */
export function isForUs(request: CredentialRequest, server: string | undefined): boolean {
  if (request.protocol !== 'http' && request.protocol !== 'https') return false;
  const origin = `${request.protocol}://${request.host}`;
  if (server !== undefined && URL.canParse(origin) && new URL(origin).origin === new URL(server).origin) {
    return true;
  }
  return offersNostr(request);
}

/**
 * The answer to git, line by line.
 *
 * Newer git gets the scheme and the token; older git gets the token as the password of a Basic credential. Both get
 * the time when the token is too old to start a push, so that helpers that store credentials do not offer it later.
 */
export function credentialAnswer(
  request: CredentialRequest,
  repositoryUrl: string,
  signer: Signer,
  clock: Clock,
): string[] {
  const now = Math.floor(clock.now() / 1000);
  const token = encodeToken(signer.sign(tokenTemplate(repositoryUrl, now)));
  const expiry = `password_expiry_utc=${now + tokenTolerance}`;
  const onlyBasic = request.challenges.length > 0 && !offersNostr(request);
  if (request.capabilities.includes('authtype') && !onlyBasic) {
    return ['capability[]=authtype', 'authtype=Nostr', `credential=${token}`, 'ephemeral=1', expiry];
  }
  return [`username=${request.username ?? formatNpub(signer.publicKey)}`, `password=${token}`, expiry];
}

/**
 * The URL of the repository, percent-encoded again, because git decodes the path.
 * @throws CairnError `invalid` when git does not name the repository
 */
export function repositoryUrlOf({ protocol, host, path }: CredentialRequest): string {
  if (path === undefined || path === '') {
    throw new CairnError(
      'invalid',
      `git does not name the repository: run "git config --global credential.${protocol}://${host}.useHttpPath true"`,
    );
  }
  const url = `${protocol}://${host}/${path.split('/').map(encodeURIComponent).join('/')}`;
  if (canonicalRepositoryUrl(url) !== undefined) return url;
  throw new CairnError('invalid', `${url} is not the URL of a repository`);
}

function offersNostr(request: CredentialRequest): boolean {
  return request.challenges.some((challenge) => /^nostr(?:\s|$)/i.test(challenge));
}

/** Reads up to an empty line or the end. */
async function readRequest(input: Readable): Promise<string> {
  let text = '';
  input.setEncoding('utf8');
  for await (const chunk of input as AsyncIterable<string>) {
    text += chunk;
    if (text.length > MAX_REQUEST_LENGTH) throw new CairnError('too-large', 'this is not a request of git');
    const end = text.indexOf('\n\n');
    if (end !== -1) return text.slice(0, end);
  }
  return text;
}
