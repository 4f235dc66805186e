import { readClientSettings } from '../../config/client-settings.ts';
import type { GivenFlags } from '../../config/given-flags.ts';
import { systemClock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import { formatAddress } from '../../nostr/address.ts';
import { parseAnnouncement } from '../../nostr/announcement.ts';
import { announcementTemplate, foreignTags } from '../../nostr/announcement-template.ts';
import type { EventTemplate, VerifiedEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import { namesThisService } from '../../nostr/named-service.ts';
import { fossilUrl, gitUrl, graspUrl } from '../../nostr/repository-url.ts';
import type { Signer } from '../../nostr/sign.ts';
import { repositoryId } from '../../repository/repository-id.ts';
import type { CommandContext } from '../command-context.ts';
import { readSigner } from '../credential/key.ts';
import { ServerConnection, serverOf } from '../server-connection.ts';
import { type AnnounceFlags, changedFacts } from './announcement-changes.ts';

/** What the relay knows about the user's repository. */
interface Known {
  /** The current announcement, unless it was withdrawn. */
  readonly announcement: VerifiedEvent | undefined;
  /** In seconds. A new event must have a later date. */
  readonly latest: number;
}

/**
 * `cairn announce <identifier>`: announces a repository, or changes its announcement. Everything else in the
 * announcement stays, including tags unknown to Cairn. Prints the URLs to clone from; the last one is for pushing
 * with a key.
 */
export async function announce(
  identifier: string,
  options: AnnounceFlags,
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  await withServer(identifier, flags, context, async ({ server, signer, connection }) => {
    const owner = signer.publicKey;
    const { announcement: old, latest } = await known(connection, owner, identifier);
    const said = old === undefined ? undefined : parseAnnouncement(old);
    if (said?.ok === false) {
      throw new CairnError('conflict', `the announcement on ${server} cannot be changed: ${said.reason}`);
    }
    const facts = changedFacts(said?.value, options, { server, owner, identifier });
    const at = Math.max(Math.floor(systemClock.now() / 1000), latest + 1);
    const template = announcementTemplate(facts, at, old === undefined ? [] : foreignTags(old));
    // An unchanged announcement is sent again as it is: the server then checks that everything is in order.
    const event = old !== undefined && saysTheSame(template, old) ? old : signer.sign(template);
    const note = await publish(connection, event);
    if (note !== '') context.print(note);
    const announced = parseAnnouncement(event);
    if (announced.ok && namesThisService(announced.value, server).clone === 'grasp') {
      context.print(graspUrl(server, owner, identifier));
    }
    const url = facts.vcs === 'fossil' ? fossilUrl : gitUrl;
    context.print(url(server, owner, identifier));
  });
}

/**
 * Announces a repository of the user that was not announced yet; one that was stays as it is.
 * @returns whether it was announced now
 */
export async function announceIfNew(
  identifier: string,
  options: Pick<AnnounceFlags, 'objectFormat'>,
  flags: GivenFlags,
  context: CommandContext,
): Promise<boolean> {
  let isNew = false;
  await withServer(identifier, flags, context, async ({ server, signer, connection }) => {
    const owner = signer.publicKey;
    const { announcement, latest } = await known(connection, owner, identifier);
    if (announcement !== undefined) return;
    const facts = changedFacts(undefined, options, { server, owner, identifier });
    const at = Math.max(Math.floor(systemClock.now() / 1000), latest + 1);
    await publish(connection, signer.sign(announcementTemplate(facts, at, [])));
    isNew = true;
  });
  return isNew;
}

/** `cairn withdraw <identifier>`: withdraws the announcement of a repository, which ends the repository. */
export async function withdraw(
  identifier: string,
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  await withServer(identifier, flags, context, async ({ server, signer, connection }) => {
    const { latest } = await known(connection, signer.publicKey, identifier);
    const address = formatAddress({ kind: kinds.repository, pubkey: signer.publicKey, identifier });
    const tags = [
      ['a', address],
      ['k', String(kinds.repository)],
    ];
    // A deletion only affects events that are not newer, so it must not be older than the announcement.
    const at = Math.max(Math.floor(systemClock.now() / 1000), latest);
    const deletion = signer.sign({ kind: kinds.deletion, created_at: at, tags, content: '' });
    const note = await connection.publish(deletion);
    context.print(note === '' ? `withdrawn: ${identifier} on ${server}` : note);
  });
}

async function withServer(
  identifier: string,
  flags: GivenFlags,
  context: CommandContext,
  use: (with_: {
    readonly server: string;
    readonly signer: Signer;
    readonly connection: ServerConnection;
  }) => Promise<void>,
): Promise<void> {
  const settings = readClientSettings(flags, context.environment);
  const server = serverOf(settings);
  const signer = await readSigner(settings);
  repositoryId(signer.publicKey, identifier);
  const { signal } = context;
  await using connection = await ServerConnection.open({ server, signer, clock: systemClock, signal });
  await use({ server, signer, connection });
}

async function known(connection: ServerConnection, owner: string, identifier: string): Promise<Known> {
  const address = formatAddress({ kind: kinds.repository, pubkey: owner, identifier });
  const events = await connection.query([
    { kinds: [kinds.repository], authors: [owner], '#d': [identifier] },
    { kinds: [kinds.deletion], authors: [owner], '#a': [address] },
  ]);
  // The relay may send anything; use only events that the user signed for this repository.
  const own = events.filter((event) => event.pubkey === owner);
  return {
    announcement: own.find(
      ({ kind, tags }) =>
        kind === kinds.repository && tags.find(([name]) => name === 'd')?.[1] === identifier,
    ),
    latest: Math.max(0, ...own.map((event) => event.created_at)),
  };
}

/** A server that already has the event does nothing. */
async function publish(connection: ServerConnection, event: VerifiedEvent): Promise<string> {
  const note = await connection.publish(event);
  return note.startsWith('duplicate:') ? '' : note;
}

function saysTheSame(template: EventTemplate, event: VerifiedEvent): boolean {
  const sorted = (tags: EventTemplate['tags']) => tags.map((tag) => JSON.stringify(tag)).sort();
  return (
    template.content === event.content &&
    JSON.stringify(sorted(template.tags)) === JSON.stringify(sorted(event.tags))
  );
}
