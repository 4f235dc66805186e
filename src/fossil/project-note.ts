/**
 * What a project keeps beside its files (fossil-scm.org, "Fossil File Formats"): pages of its wiki (2.4), changes of its tickets (2.5),
 * attachments (2.6), technotes (2.7) and forum posts (2.8).
 */
import { type ArtifactName, parseArtifactName } from './artifact-name.ts';
import { type ArtifactKind, kindOfCards } from './card-rules.ts';
import { parseFossilDate } from './date.ts';
import { type ArtifactCard, readStructuralArtifact } from './structural-artifact.ts';
import { defossilize } from './tokens.ts';

interface Signed {
  readonly user: string;
  /** Seconds since the epoch. */
  readonly time: number;
  /** The same in milliseconds: several versions may be of one second. */
  readonly instant: number;
}

/** A version of a page of the wiki. A page without text was deleted. */
export interface WikiVersion extends Signed {
  readonly is: 'wiki';
  readonly title: string;
  /** `text/x-fossil-wiki` if it says nothing. */
  readonly type: string;
  readonly text: string;
}

/** A change of a ticket. The first one makes it. */
export interface TicketChange extends Signed {
  readonly is: 'ticket';
  /** The name of the ticket: 40 hex digits. */
  readonly ticket: string;
  /** Fields by name; with a `+` before the name the value is added to what is there. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** A version of a technote. */
export interface TechnoteVersion extends Signed {
  readonly is: 'technote';
  /** The name of the technote: 40 or 64 hex digits. */
  readonly technote: string;
  /** Seconds since the epoch: where it stands in the timeline. */
  readonly at: number;
  readonly comment: string;
  /** As of a page of the wiki. */
  readonly type: string;
  readonly text: string;
}

/** A file that is attached to a page of the wiki, a ticket, a technote or a forum post, or taken away from it. */
export interface Attachment extends Signed {
  readonly is: 'attachment';
  /** The name of the file. */
  readonly file: string;
  /** The title of a page of the wiki, the name of a ticket or technote, or that of a forum post. */
  readonly target: string;
  /** The content; undefined if the file is taken away. */
  readonly source: ArtifactName | undefined;
}

/** A version of a forum post. A post without text was deleted. */
export interface ForumPost extends Signed {
  readonly is: 'forum';
  /** The first post of its thread; undefined for that post itself. */
  readonly thread: ArtifactName | undefined;
  /** Of the thread; undefined for answers. */
  readonly title: string | undefined;
  /** The post that it answers. */
  readonly answers: ArtifactName | undefined;
  /** The version of the same post that it replaces. */
  readonly replaces: ArtifactName | undefined;
  /** As of a page of the wiki. */
  readonly type: string;
  readonly text: string;
}

export type ProjectNote = WikiVersion | TicketChange | Attachment | TechnoteVersion | ForumPost;

const TICKET = /^[0-9a-f]{40}$/;

/** What is read of the cards of one artifact. */
interface Cards {
  readonly all: readonly ArtifactCard[];
  /** The first card of a letter, as it stands there. */
  raw(letter: string): string | undefined;
  /** The same, decoded; empty without such a card. */
  text(letter: string): string;
}

const READERS: Readonly<
  Partial<Record<ArtifactKind, (cards: Cards, signed: Signed) => ProjectNote | undefined>>
> = {
  attachment: readAttachment,
  technote: readTechnote,
  ticket: readTicketChange,
  wiki: readWikiVersion,
  forum: readForumPost,
};

/** Reads what a project keeps beside its files; undefined if the content is none of that. */
export function parseProjectNote(content: Uint8Array): ProjectNote | undefined {
  const all = readStructuralArtifact(content);
  if (all === undefined) return undefined;
  const raw = (wanted: string) => all.find(([letter]) => letter === wanted)?.[1];
  const cards = { all, raw, text: (wanted: string) => defossilize(raw(wanted) ?? '') };
  const instant = parseFossilDate(raw('D') ?? '');
  const kind = kindOfCards(all);
  if (instant === undefined || kind === undefined) return undefined;
  return READERS[kind]?.(cards, { user: cards.text('U'), time: Math.floor(instant / 1_000), instant });
}

function readWikiVersion(cards: Cards, signed: Signed): WikiVersion | undefined {
  const text = cards.raw('W');
  return text === undefined
    ? undefined
    : { is: 'wiki', title: cards.text('L'), type: typeOf(cards), text, ...signed };
}

function readTicketChange(cards: Cards, signed: Signed): TicketChange | undefined {
  const ticket = cards.raw('K') ?? '';
  if (!TICKET.test(ticket)) return undefined;
  const fields = cards.all.flatMap(([letter, line]) => (letter === 'J' ? [fieldOf(line)] : []));
  return { is: 'ticket', ticket, fields, ...signed };
}

function readTechnote(cards: Cards, signed: Signed): TechnoteVersion | undefined {
  const [date = '', technote = ''] = cards.raw('E')?.split(' ') ?? [];
  const [at, text] = [parseFossilDate(date), cards.raw('W')];
  if (at === undefined || text === undefined || parseArtifactName(technote) === undefined) return undefined;
  const comment = cards.text('C');
  return {
    is: 'technote',
    technote,
    at: Math.floor(at / 1_000),
    comment,
    type: typeOf(cards),
    text,
    ...signed,
  };
}

function readAttachment(cards: Cards, signed: Signed): Attachment | undefined {
  const [file = '', target = '', source = ''] = cards.raw('A')?.split(' ') ?? [];
  const content = parseArtifactName(source);
  if (file === '' || target === '' || (source !== '' && content === undefined)) return undefined;
  return {
    is: 'attachment',
    file: defossilize(file),
    target: defossilize(target),
    source: content,
    ...signed,
  };
}

function readForumPost(cards: Cards, signed: Signed): ForumPost | undefined {
  const text = cards.raw('W');
  if (text === undefined) return undefined;
  const nameIn = (letter: string) => parseArtifactName(cards.raw(letter) ?? '');
  const title = cards.raw('H') === undefined ? undefined : cards.text('H');
  const names = { thread: nameIn('G'), answers: nameIn('I'), replaces: nameIn('P') };
  return { is: 'forum', ...names, title, type: typeOf(cards), text, ...signed };
}

function typeOf(cards: Cards): string {
  return cards.text('N') || 'text/x-fossil-wiki';
}

function fieldOf(line: string): readonly [name: string, value: string] {
  const [name = '', value = ''] = line.split(' ');
  return [defossilize(name), defossilize(value)];
}
