import { readClientSettings } from '../../config/client-settings.ts';
import type { GivenFlags } from '../../config/given-flags.ts';
import { CairnError } from '../../lib/errors.ts';
import { formatNpub, parsePublicKey } from '../../nostr/public-key.ts';
import { type RepositoryId, repositoryId } from '../../repository/repository-id.ts';
import type { CommandContext } from '../command-context.ts';
import { readSigner } from '../credential/key.ts';
import { publicKeyArgument } from '../public-key-argument.ts';
import { repositoryArgument } from '../repository-argument.ts';
import { serverOf } from '../server-connection.ts';
import { SignedRequests } from '../signed-requests.ts';

/** What a server answers. */
interface Answer {
  readonly user: string;
  readonly password: string;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly url: string;
  readonly private: boolean;
}

/**
 * `cairn fossil password <repository>`: proves the user's key to the server, and prints a user and a password that the stock
 * `fossil` program can use.
 * @param repository URL of the repository, or `<owner>/<identifier>` on the server that the settings name
 */
export async function fossilPassword(
  repository: string,
  options: { readonly revoke?: boolean; readonly revokeKey?: string; readonly json?: boolean },
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  const settings = readClientSettings(flags, context.environment);
  const signer = await readSigner(settings);
  const { server, id } = placeOf(repository) ?? {
    server: serverOf(settings),
    id: repositoryArgument(repository),
  };
  const path = `/api/v1/repositories/${formatNpub(id.owner)}/${encodeURIComponent(id.identifier)}/fossil-password`;
  const requests = new SignedRequests(server, signer, context.signal);
  const { revoke, revokeKey } = options;
  const ofKey = revokeKey === undefined ? {} : { key: publicKeyArgument(revokeKey, '--revoke-key') };
  const isRevoking = revoke === true || revokeKey !== undefined;
  const answer = await requests.send('POST', path, isRevoking ? { revoke: true, ...ofKey } : {});
  if (options.json === true) {
    context.print(JSON.stringify(answer));
    return;
  }
  if (isRevoking) {
    const whose = revokeKey === undefined ? 'this repository' : revokeKey;
    context.print(`no password of ${whose} is accepted any more; each key prints a new one`);
    return;
  }
  for (const line of linesOf(answer, server)) context.print(line);
}

/** The server and the repository of a URL; undefined for what is not one. */
export function placeOf(text: string): { readonly server: string; readonly id: RepositoryId } | undefined {
  if (!/^https?:\/\//i.test(text)) return undefined;
  const [, server, owner = '', identifier = ''] =
    /^(https?:\/\/[^?#]+?)\/fossil\/([^/?#]+)\/([^/?#]+)\/?$/i.exec(text) ?? [];
  const key = parsePublicKey(owner);
  if (server === undefined || key === undefined) {
    throw new CairnError(
      'invalid',
      `${text} is not the URL of a Fossil repository: <server>/fossil/<npub>/<name>`,
    );
  }
  const url = new URL(server);
  // A user and a password that are in the URL already are not for this request.
  url.username = '';
  url.password = '';
  return { server: url.href.replace(/\/$/, ''), id: repositoryId(key, decodedName(identifier)) };
}

function decodedName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CairnError('invalid', 'the name in the URL is not valid percent-encoded UTF-8');
  }
}

function linesOf(answer: unknown, server: string): string[] {
  if (!isAnswer(answer)) {
    throw new CairnError(
      'unavailable',
      `${server} sent no password: it is not a Cairn server, or it has another version`,
    );
  }
  const { user, password, expires, url, private: isPrivate } = answer;
  const withUser = new URL(url);
  withUser.username = user;
  withUser.password = password;
  const clone = isPrivate ? `fossil clone -B ${user}:${password} ${url}` : `fossil clone ${withUser.href}`;
  return [
    `user      ${user}`,
    `password  ${password}`,
    `expires   ${new Date(expires * 1000).toISOString().slice(0, 10)}`,
    `clone     ${clone}`,
  ];
}

function isAnswer(answer: unknown): answer is Answer {
  if (typeof answer !== 'object' || answer === null) return false;
  const {
    user,
    password,
    expires,
    url,
    private: isPrivate,
  } = answer as Partial<Record<keyof Answer, unknown>>;
  const texts = [user, password, url];
  return (
    texts.every((text) => typeof text === 'string') &&
    typeof expires === 'number' &&
    typeof isPrivate === 'boolean' &&
    URL.canParse(String(url))
  );
}
