import { initNostrWasm } from 'nostr-wasm';
import { sha256 } from '../src/lib/digest.ts';
import { type EventTemplate, eventId, type NostrEvent } from '../src/nostr/event.ts';
import { kinds } from '../src/nostr/kinds.ts';
import { ownerKey } from './owner.ts';
import { SeededBytes } from './random.ts';

/** An issue (NIP-34) of common length: some 900 bytes of JSON with its signature. */
function issueTemplate(identifier: string, number: number, at: number): EventTemplate {
  return {
    kind: kinds.issue,
    created_at: at,
    tags: [
      ['a', addressOf(identifier)],
      ['p', ownerKey],
      ['subject', `Issue ${number}`],
    ],
    content: `What was seen, number ${number}. ${'It happens now and then, not always. '.repeat(10)}`,
  };
}

/** The address of one of the owner's repositories, as tags name it. */
export function addressOf(identifier: string): string {
  return `${kinds.repository}:${ownerKey}:${identifier}`;
}

/**
 * Loads what signs issues of a repository, of now, each with another number. It is the WebAssembly that Cairn verifies
 * with: ten times as fast as the library that signs one event now and then. A relay takes only so many events of one author.
 */
export async function issueSigner(): Promise<
  (identifier: string, number: number, author?: number) => NostrEvent
> {
  const wasm = await initNostrWasm();
  return (identifier, number, author = 0) => {
    const secret = Uint8Array.from(Buffer.from(sha256(`secret of author ${author}`), 'hex'));
    const { tags, ...rest } = issueTemplate(identifier, number, Math.floor(Date.now() / 1000));
    const event = { id: '', pubkey: '', sig: '', ...rest, tags: tags.map((tag) => [...tag]) };
    wasm.finalizeEvent(event, secret);
    return event;
  };
}

/** How many issues there are: `repositories` × `authors`, one a second until `end`. */
export interface IssueShape {
  readonly repositories: number;
  readonly authors: number;
  /** Seconds. */
  readonly end: number;
}

export function repositoryName(number: number): string {
  return `discussed-${number}`;
}

export function authorKey(number: number): string {
  return sha256(`author ${number}`);
}

/**
 * Issues as a log holds them, one by every author in every repository, the oldest first. Their ids are their hashes;
 * their signatures are random bytes, because a server does not verify again what it finds in its own log.
 */
export function* storedIssues({ repositories, authors, end }: IssueShape): Generator<NostrEvent> {
  const signatures = new SeededBytes(4);
  for (let number = 0; number < repositories * authors; number++) {
    const pubkey = authorKey(Math.floor(number / repositories));
    const at = end - repositories * authors + number;
    const issue = { ...issueTemplate(repositoryName(number % repositories), number, at), pubkey };
    yield { ...issue, id: eventId(issue), sig: signatures.next(64).toString('hex') };
  }
}
