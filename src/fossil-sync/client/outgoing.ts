import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { FileCard } from '../../fossil/cards.ts';
import { inflatePayload } from '../../fossil/compression.ts';
import type { CardWriter } from '../../fossil/write-cards.ts';
import { DELTA_EXTRA } from '../../repository/fossil/intake.ts';
import { type FaultSites, faultFires } from '../faults.ts';
import type { HeldArtifact, HeldArtifacts } from './local-bag.ts';

/** What a client has to offer and to send. Knows what the server has by now. */
export class Outgoing {
  /** Requested artifacts that are not sent yet. */
  private readonly queue = new Set<ArtifactName>();
  private readonly onServer = new Set<ArtifactName>();
  /** Sent in the round that is under way: the server has them once it has answered without an error. */
  private readonly underWay = new Set<ArtifactName>();
  private readonly privateArtifacts: boolean;
  private readonly faults: FaultSites | undefined;

  constructor(privateArtifacts: boolean, faults: FaultSites | undefined) {
    this.privateArtifacts = privateArtifacts;
    this.faults = faults;
  }

  get pending(): number {
    return this.queue.size;
  }

  /** The server says that it has an artifact. */
  has(name: ArtifactName): void {
    this.onServer.add(name);
  }

  /** The server asks for an artifact. Missing, shunned and not permitted private artifacts are not sent. */
  ask(name: ArtifactName, held: HeldArtifacts): void {
    const artifact = held.find(name);
    if (artifact === undefined || held.isShunned(name)) return;
    if (artifact.isPrivate && !this.privateArtifacts) return;
    this.onServer.delete(name);
    this.queue.add(name);
  }

  /** The server has answered: it has what was sent, unless it asks for it again. */
  answered(): void {
    for (const name of this.underWay) if (!this.queue.has(name)) this.onServer.add(name);
    this.underWay.clear();
  }

  /**
   * Announces what is here and the server has not mentioned. The server keeps nothing between two rounds, so each round says it
   * again.
   * @param clusters whether clusters that are members of others are announced, too
   * @returns how many were announced
   */
  announce(writer: CardWriter, held: HeldArtifacts, clusters: boolean): number {
    let announced = 0;
    const said = new Set<ArtifactName>();
    const say = ({ name, isPrivate }: HeldArtifact) => {
      if (this.onServer.has(name) || said.has(name)) return;
      said.add(name);
      writer.add({ card: 'igot', name, isPrivate });
      announced++;
    };
    for (const artifact of held.unclustered()) say(artifact);
    if (clusters) for (const artifact of held.clusters()) say(artifact);
    if (!this.privateArtifacts) return announced;
    for (let ordinal = 0; ordinal < held.count; ordinal++) {
      const artifact = held.at(ordinal);
      if (artifact.isPrivate && !faultFires(this.faults, 'client.skip-private-igot')) say(artifact);
    }
    return announced;
  }

  /**
   * Adds requested artifacts, at least one and then up to a number of bytes. The rest is sent in the next round.
   * @returns how many were added
   */
  async send(writer: CardWriter, held: HeldArtifacts, budget: number): Promise<number> {
    const limit = writer.size + (faultFires(this.faults, 'client.small-budget') ? 1 : budget);
    let sent = 0;
    for (const name of this.queue) {
      if (sent > 0 && writer.size >= limit) break;
      const artifact = held.find(name);
      this.queue.delete(name);
      if (artifact === undefined) continue;
      const card = await this.card(artifact, held);
      if (sent > 0 && writer.size + card.payload.length > limit) {
        this.queue.add(name);
        break;
      }
      sent++;
      this.underWay.add(name);
      if (faultFires(this.faults, 'client.drop-file')) continue;
      writer.add(card);
    }
    return sent;
  }

  /**
   * As a `file` card: a stock server accepts `cfile` cards without parsing the artifacts. A stored delta is sent as it is if
   * the server has its source.
   */
  private async card(artifact: HeldArtifact, held: HeldArtifacts): Promise<FileCard> {
    const { name, source, size, isPrivate } = artifact;
    const isOnServer = source !== undefined && (this.onServer.has(source) || this.underWay.has(source));
    if (source !== undefined && isOnServer) {
      const payload = inflatePayload(await held.stored(artifact), size + DELTA_EXTRA);
      return { card: 'file', name, source, payload, isPrivate };
    }
    return { card: 'file', name, payload: await held.content(name), isPrivate };
  }
}
