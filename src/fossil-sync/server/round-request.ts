import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { Card, CloneCard, UnversionedFileCard } from '../../fossil/cards.ts';
import { type Pragma, parsePragma } from '../../fossil/pragmas.ts';
import { Yielder } from '../../lib/cooperative.ts';
import type { Bytes, FileBytes } from '../../lib/file-bytes.ts';
import type { Bag } from '../../repository/fossil/bag.ts';
import type { ReceivedArtifact } from '../../repository/fossil/prepared-artifacts.ts';
import { receivedArtifact } from '../received-cards.ts';
import { HASH_PRAGMA, isTableCard } from '../table-sync/table-exchange.ts';
import { NameMarks } from './name-marks.ts';
import { RoundRefusal } from './round-refusal.ts';

/** The cards of one request, sorted by what they are about. */
export interface RoundRequest {
  readonly cards: number;
  readonly push: boolean;
  readonly pull: boolean;
  /** Codes that `push` and `pull` cards name. */
  readonly projectCodes: ReadonlySet<string>;
  readonly clone: CloneCard | undefined;
  readonly files: readonly ReceivedArtifact<Bytes>[];
  readonly unversionedFiles: readonly UnversionedFileCard<Bytes>[];
  /** Artifacts here that the client has, too. */
  readonly known: NameMarks;
  /** Artifacts here that the client asks for. */
  readonly gimmes: NameMarks;
  /** What the client has and everybody here does not see yet; at most {@link MISSING_KEPT}. */
  readonly missing: ReadonlyMap<ArtifactName, Announced>;
  /** Missing artifacts that the client requests, so it is not asked for them; at most {@link MISSING_KEPT}. */
  readonly unknownToClient: ReadonlySet<ArtifactName>;
  readonly gimmeCount: number;
  readonly unversionedGimmes: readonly string[];
  readonly configurations: readonly string[];
  readonly pragmas: readonly Pragma[];
  readonly cookie: string | undefined;
  /** Cards of the table extension, and pragmas about it. */
  readonly tableCards: readonly Card[];
}

/** How the client announced an artifact. */
export interface Announced {
  readonly isPrivate: boolean;
}

/** What sorting a request needs of a bag. */
export type ArtifactLookup = Pick<Bag, 'count' | 'at' | 'find' | 'isShunned'>;

/** For senders without access. */
export const NO_ARTIFACTS: ArtifactLookup = {
  count: 0,
  at: (ordinal) => {
    throw new RangeError(`no artifact at ${ordinal}`);
  },
  find: () => undefined,
  isShunned: () => false,
};

/** Names that are not here and are remembered: a reply asks for far fewer. */
const MISSING_KEPT = 10_000;

/** Unversioned files and groups of configuration that one request may ask for. */
const REQUESTS_KEPT = 10_000;

/**
 * Sorts the cards of a request. Names of artifacts that are here become marks of one bit each, so that a million of them take
 * little memory.
 * @param bag the published artifacts when the request comes
 */
export async function readRoundRequest(
  cards: Iterable<Card> | AsyncIterable<Card<FileBytes>>,
  bag: ArtifactLookup,
): Promise<RoundRequest> {
  const sorter = new Sorter(bag);
  const yielder = new Yielder();
  if (Symbol.asyncIterator in cards) {
    for await (const card of cards) {
      sorter.add(card);
      if (yielder.isDueByNow) await yielder.next();
    }
    return sorter;
  }
  for (const card of cards) {
    sorter.add(card);
    if (yielder.isDueByNow) await yielder.next();
  }
  return sorter;
}

class Sorter implements RoundRequest {
  cards = 0;
  push = false;
  pull = false;
  readonly projectCodes = new Set<string>();
  clone: CloneCard | undefined;
  readonly files: ReceivedArtifact<Bytes>[] = [];
  readonly unversionedFiles: UnversionedFileCard<Bytes>[] = [];
  readonly known: NameMarks;
  readonly gimmes: NameMarks;
  readonly missing = new Map<ArtifactName, Announced>();
  readonly unknownToClient = new Set<ArtifactName>();
  gimmeCount = 0;
  readonly unversionedGimmes: string[] = [];
  readonly configurations: string[] = [];
  readonly pragmas: Pragma[] = [];
  cookie: string | undefined;
  readonly tableCards: Card[] = [];
  private readonly bag: ArtifactLookup;

  constructor(bag: ArtifactLookup) {
    this.bag = bag;
    this.known = new NameMarks(bag);
    this.gimmes = new NameMarks(bag);
  }

  add(card: Card<Bytes>): void {
    this.cards++;
    switch (card.card) {
      case 'push':
      case 'pull':
        this[card.card] = true;
        this.projectCodes.add(card.projectCode);
        return;
      case 'clone':
        this.clone = card;
        return;
      case 'file':
      case 'cfile':
        this.files.push(receivedArtifact(card));
        return;
      case 'igot':
        this.igot(card.name, card.isPrivate);
        return;
      case 'gimme':
        this.gimmeCount++;
        if (this.gimmes.mark(card.name) === undefined) keep(this.unknownToClient, card.name, MISSING_KEPT);
        return;
      case 'uvfile':
        this.unversionedFiles.push(card);
        return;
      case 'uvgimme':
        limited(this.unversionedGimmes, card.name);
        return;
      case 'reqconfig':
        limited(this.configurations, card.name);
        return;
      case 'pragma': {
        const pragma = parsePragma(card);
        if (pragma !== undefined) limited(this.pragmas, pragma);
        else if (card.name === HASH_PRAGMA) limited(this.tableCards, card);
        return;
      }
      case 'cookie':
        this.cookie = card.value;
        return;
      case 'config':
        throw new RoundRefusal('this server does not take configuration');
      // The login that counts was taken before the cards are sorted.
      case 'login':
        throw new RoundRefusal('the login card must come first');
      case 'comment':
      case 'message':
      case 'error':
        return;
      default:
        if (isTableCard(card)) {
          this.tableCards.push(card);
          return;
        }
        throw new RoundRefusal(`bad command: ${commandOf(card)}`);
    }
  }

  private igot(name: ArtifactName, isPrivate: boolean): void {
    // A private artifact that the client has as a public one is requested like a missing one.
    const entry = this.known.mark(name);
    if (entry !== undefined && (isPrivate || !entry.isPrivate)) return;
    if (this.missing.size >= MISSING_KEPT || this.bag.isShunned(name)) return;
    this.missing.set(name, { isPrivate: isPrivate && this.missing.get(name)?.isPrivate !== false });
  }
}

function keep<T>(set: Set<T>, value: T, most: number): void {
  if (set.size < most) set.add(value);
}

function limited<T>(list: T[], value: T): void {
  if (list.length >= REQUESTS_KEPT) {
    throw new RoundRefusal(`a request asks for at most ${REQUESTS_KEPT} files, settings or pragmas`);
  }
  list.push(value);
}

function commandOf(card: Card<Bytes>): string {
  const text = card.card === 'unknown' ? card.line : card.card;
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
