import type { GitClient } from './git-client.ts';
import { NostrClient, type Person } from './nostr-client.ts';

/** What an announcement says besides its name; places on the server are filled in. */
export interface AnnouncementOptions {
  /** In the form of GRASP, so that the repository waits for its first data. */
  readonly grasp?: boolean;
  readonly maintainers?: readonly Person[];
  readonly tags?: readonly string[][];
  readonly at?: number;
}

/** The URL of a repository in the space where pushes carry a token. */
export function gitUrl(server: string, owner: Person, identifier: string): string {
  return `${server}/git/${owner.npub}/${encodeURIComponent(identifier)}.git`;
}

/** The URL of a repository in the space where pushes apply signed states. */
export function graspUrl(server: string, owner: Person, identifier: string): string {
  return `${server}/${owner.npub}/${encodeURIComponent(identifier)}.git`;
}

/** An announcement that names a server, signed. */
export function announcement(
  server: string,
  owner: Person,
  identifier: string,
  options: AnnouncementOptions = {},
) {
  const clone = options.grasp ? graspUrl(server, owner, identifier) : gitUrl(server, owner, identifier);
  const maintainers = (options.maintainers ?? []).map(({ publicKey }) => publicKey);
  return owner.sign(
    30_617,
    [
      ['d', identifier],
      ['name', identifier],
      ['clone', clone],
      ['relays', server.replace(/^http/, 'ws')],
      ...(maintainers.length === 0 ? [] : [['maintainers', ...maintainers]]),
      ...(options.tags ?? []),
    ],
    '',
    options.at,
  );
}

/** A state of refs, signed: what they shall be. @param refs by full name */
export function state(
  author: Person,
  identifier: string,
  refs: Readonly<Record<string, string>>,
  options: { readonly head?: string; readonly at?: number } = {},
) {
  return author.sign(
    30_618,
    [
      ['d', identifier],
      ...Object.entries(refs),
      ...(options.head === undefined ? [] : [['HEAD', `ref: refs/heads/${options.head}`]]),
    ],
    '',
    options.at,
  );
}

/** A token for one repository (NIP-98), as an `Authorization` header. */
export function tokenFor(
  person: Person,
  repositoryUrl: string,
  options: { readonly at?: number } = {},
): string {
  const event = person.sign(
    27_235,
    [
      ['u', repositoryUrl],
      ['method', 'GET'],
    ],
    '',
    options.at,
  );
  return `Nostr ${Buffer.from(JSON.stringify(event)).toString('base64')}`;
}

/** The same user with a token for one repository in every request. */
export function signedIn(user: GitClient, person: Person, repositoryUrl: string): GitClient {
  return user.with(`http.extraHeader=Authorization: ${tokenFor(person, repositoryUrl)}`);
}

/** Sends one event over a connection of its own. */
export async function publish(server: string, event: Parameters<NostrClient['publish']>[0]) {
  await using client = await NostrClient.connect(server);
  return await client.publish(event);
}

/** Asks for events over a connection of its own. */
export async function query(server: string, ...filters: object[]) {
  await using client = await NostrClient.connect(server);
  return await client.query(...filters);
}

/** Repeats a question until its answer is good, for at most half a minute; returns the last answer. */
export async function eventually<T>(ask: () => Promise<T>, good: (answer: T) => boolean): Promise<T> {
  const until = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (good(answer) || Date.now() > until) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
