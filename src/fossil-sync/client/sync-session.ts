import type { Card, CompressedFileCard, FileCard, UnversionedFileCard } from '../../fossil/cards.ts';
import { pragmaCard } from '../../fossil/pragmas.ts';
import type { CardWriter } from '../../fossil/write-cards.ts';
import { CairnError } from '../../lib/errors.ts';
import type { ReceivedArtifact } from '../../repository/fossil/prepared-artifacts.ts';
import { faultFires } from '../faults.ts';
import { receivedArtifact } from '../received-cards.ts';
import type { LocalBag } from './local-bag.ts';
import { Outgoing } from './outgoing.ts';
import { Phantoms } from './phantoms.ts';
import type { Rounds } from './rounds.ts';
import type { SyncOptions } from './sync-options.ts';
import { NAMED_PHANTOMS, StalledError, type SyncResult } from './sync-result.ts';
import { UnversionedExchange } from './unversioned-exchange.ts';

/** Receivers of push and pull cards ignore which server sends them; this is what Fossil's documentation writes there. */
const SERVER_CODE = 'x';

/** The round in which all clusters are announced and requested: by then new artifacts have been exchanged. */
const CLUSTER_ROUND = 3;

/** What a session does beside a sync, for a clone that ends with one. */
export interface SessionExtras {
  /** Cards of the first request. */
  readonly cards: readonly Card[];
  /** Gets cards of replies that a sync has no use for. */
  read(card: Card): void;
}

/** A sync: the whole of a session, or the last part of a clone. */
export class SyncSession {
  private readonly local: LocalBag;
  private readonly options: SyncOptions;
  private readonly rounds: Rounds;
  private readonly extras: SessionExtras | undefined;
  private readonly phantoms: Phantoms;
  private readonly outgoing: Outgoing;
  private readonly unversioned: UnversionedExchange | undefined;
  private readonly pull: boolean;
  private push: boolean;
  /** Artifacts that came in the last round: as many again, twice, are asked for in the next one. */
  private receivedLast = 0;
  /** Rounds in a row in which something was asked for and nothing came. */
  private idle = 0;
  private askedByServer = false;
  private igotsSent = 0;
  private gimmesSent = 0;

  constructor(local: LocalBag, rounds: Rounds, options: SyncOptions, extras?: SessionExtras) {
    const { push = true, pull = true, faults } = options;
    this.local = local;
    this.options = options;
    this.rounds = rounds;
    this.extras = extras;
    this.push = push;
    this.pull = pull;
    this.phantoms = new Phantoms(rounds.wire.limits.phantoms);
    this.outgoing = new Outgoing(options.privateArtifacts ?? false, faults);
    this.unversioned =
      options.unversioned === true ? new UnversionedExchange({ push, pull, faults }) : undefined;
  }

  get result(): SyncResult {
    return { ...this.rounds.result, missing: this.pull ? this.missing() : [] };
  }

  async run(): Promise<SyncResult> {
    if (this.pull) this.phantoms.refresh(this.local.held);
    await this.rounds.run(
      () => this.round(),
      (rounds) => this.stalled(`after ${rounds} rounds there is still something to exchange`),
    );
    if (this.phantoms.announcedCount > 0 && this.pull) {
      throw this.stalled('the server announces artifacts but does not send them');
    }
    const files = this.unversioned?.missing ?? [];
    if (files.length > 0) {
      const named = files.slice(0, NAMED_PHANTOMS).join(', ');
      throw new StalledError(`the server lists unversioned files and does not give them: ${named}`, [], 0);
    }
    return this.result;
  }

  /** One request and its reply. @returns whether another one is needed */
  private async round(): Promise<boolean> {
    const { rounds, local } = this;
    const cards = await rounds.exchange(await this.request(), local.projectCode);
    const { artifacts, unversioned, isNew } = await this.read(cards);
    const refusal = rounds.words.takeRefusal();
    if (refusal !== undefined) throw refusal;
    this.outgoing.answered();
    if (rounds.words.pushRefused) this.push = false;
    const taken = await this.take(artifacts, unversioned);
    const { gimmesSent, igotsSent } = this;
    rounds.completed({ gimmesSent, igotsSent });
    return this.isUnfinished(taken, isNew);
  }

  private async request(): Promise<CardWriter> {
    const { rounds, local, options, push, pull } = this;
    const { projectCode, held } = local;
    const { wire, counters } = rounds;
    const { limits } = wire;
    const isFirst = rounds.number === 1;
    const writer = wire.begin();
    if (pull) writer.add({ card: 'pull', serverCode: SERVER_CODE, projectCode });
    if (push) writer.add({ card: 'push', serverCode: SERVER_CODE, projectCode });
    if (options.privateArtifacts) writer.add(pragmaCard({ pragma: 'send-private' }));
    if (isFirst && options.catalog) writer.add(pragmaCard({ pragma: 'send-catalog' }));
    if (isFirst) this.addLock(writer);
    if (isFirst) for (const card of this.extras?.cards ?? []) writer.add(card);
    const isClusterRound = rounds.number === CLUSTER_ROUND;
    if (isClusterRound && pull) writer.add(pragmaCard({ pragma: 'req-clusters' }));
    this.igotsSent = push ? this.outgoing.announce(writer, held, isClusterRound && this.askedByServer) : 0;
    if (push) counters.filesSent += await this.outgoing.send(writer, held, limits.sendBytes);
    this.gimmesSent = 0;
    if (pull) {
      const asked = this.phantoms.next(Math.max(limits.gimmes, 2 * this.receivedLast));
      for (const name of asked) writer.add({ card: 'gimme', name });
      this.gimmesSent = asked.size;
    }
    counters.unversionedSent += (await this.unversioned?.add(writer, held, limits.sendBytes)) ?? 0;
    return writer;
  }

  private addLock(writer: CardWriter): void {
    const { checkInLock, checkInUnlock } = this.options;
    if (checkInLock !== undefined) writer.add(pragmaCard({ pragma: 'ci-lock', ...checkInLock }));
    if (checkInUnlock !== undefined) writer.add(pragmaCard({ pragma: 'ci-unlock', client: checkInUnlock }));
  }

  private async read(cards: readonly Card[]): Promise<{
    artifacts: readonly (FileCard | CompressedFileCard)[];
    unversioned: readonly UnversionedFileCard[];
    /** Whether the server named an artifact that is not here. */
    isNew: boolean;
  }> {
    const { held } = this.local;
    const artifacts: (FileCard | CompressedFileCard)[] = [];
    const unversioned: UnversionedFileCard[] = [];
    const files = (await this.unversioned?.files(held)) ?? new Map();
    let isNew = false;
    for (const card of cards) {
      if (this.unversioned?.read(card, files)) continue;
      switch (card.card) {
        case 'file':
        case 'cfile':
          artifacts.push(card);
          break;
        case 'uvfile':
          unversioned.push(card);
          break;
        case 'igot':
          this.outgoing.has(card.name);
          if (!this.pull || (card.isPrivate && !this.options.privateArtifacts)) break;
          isNew = this.phantoms.announce(card.name, held) || isNew;
          break;
        case 'gimme':
          this.askedByServer = true;
          if (this.push) this.outgoing.ask(card.name, held);
          break;
        default:
          this.extras?.read(card);
      }
    }
    return { artifacts, unversioned, isNew };
  }

  /** Verifies and stores what came. @returns how much of it was new */
  private async take(
    artifacts: readonly (FileCard | CompressedFileCard)[],
    unversioned: readonly UnversionedFileCard[],
  ): Promise<number> {
    const { local, options } = this;
    const { counters } = this.rounds;
    const received: ReceivedArtifact[] = [];
    for (const card of artifacts) {
      if (card.isPrivate && options.privateArtifacts !== true) continue;
      if (!faultFires(options.faults, 'client.drop-received-file')) received.push(receivedArtifact(card));
    }
    const files = this.unversioned?.received(unversioned) ?? [];
    this.receivedLast = received.length;
    if (received.length === 0 && files.length === 0) return 0;
    const taken = await local.take({ artifacts: received, unversioned: files });
    counters.filesReceived += taken.artifacts;
    counters.unversionedReceived += taken.unversioned;
    if (faultFires(options.faults, 'client.fail-after-store')) {
      throw new CairnError('unavailable', 'a fault was injected after artifacts were stored');
    }
    return taken.artifacts + taken.waiting + taken.unversioned;
  }

  private isUnfinished(taken: number, isNew: boolean): boolean {
    const { phantoms, outgoing, unversioned, push, pull, local, rounds } = this;
    const found = pull && phantoms.refresh(local.held);
    const asked = this.gimmesSent + (unversioned?.askedCount ?? 0);
    this.idle = taken > 0 || asked === 0 ? 0 : this.idle + 1;
    const isStuck = this.idle >= rounds.wire.limits.idleRounds && !isNew && !found;
    const wants = (pull && phantoms.count > 0) || (unversioned?.isPending ?? false);
    // A server asks for what it misses after it has taken in what was sent. A reply that asks for nothing is the last one.
    if (push && outgoing.pending > 0) return true;
    return wants && !isStuck;
  }

  private missing(): SyncResult['missing'] {
    const missing: SyncResult['missing'][number][] = [];
    for (const name of this.phantoms.all()) {
      if (missing.length === NAMED_PHANTOMS) break;
      missing.push(name);
    }
    return missing;
  }

  private stalled(why: string): StalledError {
    return new StalledError(why, this.missing(), this.phantoms.count);
  }
}
