import {
  type Card,
  type UnversionedFileCard,
  type UnversionedIgotCard,
  UV_DELETED,
  UV_NO_CONTENT,
} from '../../fossil/cards.ts';
import { pragmaCard } from '../../fossil/pragmas.ts';
import {
  catalogueHash,
  compareUnversioned,
  isUnversionedName,
  isUnversionedTime,
  type UnversionedFile,
} from '../../fossil/unversioned.ts';
import type { CardWriter } from '../../fossil/write-cards.ts';
import type { ReceivedUnversioned } from '../../repository/fossil/prepared-artifacts.ts';
import { type FaultSites, faultFires } from '../faults.ts';
import { receivedUnversioned } from '../received-cards.ts';
import type { HeldArtifacts } from './local-bag.ts';

/** Files asked for in one round. */
const MOST_ASKED = 200;

export interface UnversionedDirections {
  readonly push: boolean;
  readonly pull: boolean;
  readonly faults: FaultSites | undefined;
}

/**
 * The unversioned files of one session. Both sides compare their catalogues by one hash; if it differs, the server lists its files,
 * and then the newest version of each goes where it is missing.
 */
export class UnversionedExchange {
  private readonly directions: UnversionedDirections;
  private hashSent = false;
  private mayPush = false;
  /** Versions here that the server does not have, by name; true if it has the content and only the time is another. */
  private readonly toSend = new Map<string, boolean>();
  private readonly toFetch = new Set<string>();
  /** Changes without content that the server listed: deletions, and later times of the same content. */
  private noted: ReceivedUnversioned[] = [];
  private asked = 0;

  constructor(directions: UnversionedDirections) {
    this.directions = directions;
  }

  /** Whether there is something left to send or to fetch. */
  get isPending(): boolean {
    return this.toFetch.size > 0 || (this.mayPush && this.toSend.size > 0);
  }

  /** How many files were asked for in the last round. */
  get askedCount(): number {
    return this.asked;
  }

  /** Names of files that the server has listed and not given. */
  get missing(): readonly string[] {
    return [...this.toFetch];
  }

  /** What is held, to compare cards with. */
  files(held: HeldArtifacts): Promise<ReadonlyMap<string, UnversionedFile>> {
    return held.unversioned();
  }

  /** Adds what belongs into the next message. @returns how many files were added */
  async add(writer: CardWriter, held: HeldArtifacts, budget: number): Promise<number> {
    const files = await held.unversioned();
    if (!this.hashSent) {
      this.hashSent = true;
      writer.add(pragmaCard({ pragma: 'uv-hash', hash: catalogueHash(files.values()) }));
      return 0;
    }
    this.asked = 0;
    for (const name of this.toFetch) {
      if (this.asked >= MOST_ASKED) break;
      writer.add({ card: 'uvgimme', name });
      this.asked++;
    }
    let sent = 0;
    if (!this.mayPush || faultFires(this.directions.faults, 'client.skip-unversioned')) return 0;
    const limit = writer.size + budget;
    for (const [name, timeOnly] of this.toSend) {
      if (sent > 0 && writer.size >= limit) break;
      const file = files.get(name);
      this.toSend.delete(name);
      if (file === undefined) continue;
      writer.add(await cardOf(file, held, timeOnly));
      sent++;
    }
    return sent;
  }

  /** Reads a card of a reply that is about unversioned files. @returns false for other cards */
  read(card: Card, files: ReadonlyMap<string, UnversionedFile>): boolean {
    if (card.card === 'pragma' && (card.name === 'uv-push-ok' || card.name === 'uv-pull-only')) {
      // The server lists its files after this: whatever it does not list, it does not have.
      this.mayPush = this.directions.push && card.name === 'uv-push-ok';
      for (const name of files.keys()) this.toSend.set(name, false);
      return true;
    }
    if (card.card !== 'uvigot') return false;
    this.compare(card, files.get(card.name));
    return true;
  }

  /** What came in a reply, to be taken in. */
  received(cards: readonly UnversionedFileCard[]): readonly ReceivedUnversioned[] {
    const noted = this.noted;
    this.noted = [];
    for (const { name, hash, content } of cards) {
      // A server with too much to send leaves a content out, and is asked again.
      if (hash === undefined || content !== undefined) this.toFetch.delete(name);
    }
    return [...noted, ...cards.map(receivedUnversioned)];
  }

  private compare(card: UnversionedIgotCard, here: UnversionedFile | undefined): void {
    const { name, time, hash, size } = card;
    const status = compareUnversioned(here, { time, hash });
    if (status < 4) this.toSend.delete(name);
    else this.toSend.set(name, status === 4);
    if (status > 2 || !this.directions.pull || !isUnversionedName(name) || !isUnversionedTime(time)) return;
    if (status === 0 && hash === undefined) return;
    if (hash === undefined || status === 2) this.noted.push({ name, time, hash, size });
    else this.toFetch.add(name);
  }
}

async function cardOf(
  file: UnversionedFile,
  held: HeldArtifacts,
  timeOnly: boolean,
): Promise<UnversionedFileCard> {
  const { name, time, hash, size } = file;
  if (hash === undefined) return { card: 'uvfile', name, time, hash, size: 0, flags: UV_DELETED };
  if (timeOnly) return { card: 'uvfile', name, time, hash, size, flags: UV_NO_CONTENT };
  return { card: 'uvfile', name, time, hash, size, flags: 0, content: await held.unversionedContent(hash) };
}
