/**
 * The wiki, the tickets and the technotes of a published state. Nothing says which artifacts they are, so those that are neither
 * check-ins nor clusters are looked at, the newest first, as far as the time for a page reaches; the next page goes on.
 */
import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { type ProjectNote, parseProjectNote } from '../../fossil/project-note.ts';
import { Yielder } from '../../lib/cooperative.ts';
import { LruMap } from '../../lib/lru.ts';
import { type FossilView, readArtifact } from './fossil-view.ts';

/** A page of the wiki in a list. */
export interface WikiPage {
  readonly title: string;
  /** Its newest version. */
  readonly artifact: ArtifactName;
  readonly user: string;
  /** Seconds since the epoch. */
  readonly time: number;
}

/** A ticket as its changes have left it. */
export interface Ticket {
  readonly name: string;
  readonly title: string;
  readonly status: string;
  readonly type: string;
  /** Seconds since the epoch of its first and its last change. */
  readonly made: number;
  readonly changed: number;
  readonly changes: number;
}

export interface Technote {
  readonly name: string;
  readonly artifact: ArtifactName;
  readonly comment: string;
  readonly user: string;
  /** Seconds since the epoch: where it stands in the timeline. */
  readonly at: number;
}

export interface ProjectNotes {
  /** By title. */
  readonly wiki: readonly WikiPage[];
  /** The last changed one first. */
  readonly tickets: readonly Ticket[];
  /** The newest first. */
  readonly technotes: readonly Technote[];
  /** Whether there are artifacts that nobody has looked at. */
  readonly cut: boolean;
}

/** Artifacts that are looked at in all, their bytes, and milliseconds for it on one page. */
const MOST_LOOKS = 100_000;
const LARGEST_NOTE = 512 * 1024;
const TIME_LIMIT = 2_500;
/** Notes that are kept, characters of their texts, and fields of a ticket. */
const MOST_NOTES = 20_000;
const TEXT = 300;
const FIELDS: ReadonlySet<string> = new Set(['title', 'status', 'type']);

/** What an artifact has for lists. */
type Fact =
  | (Omit<WikiPage, 'artifact'> & { readonly is: 'wiki'; readonly isDeleted: boolean })
  | (Omit<Technote, 'artifact'> & { readonly is: 'technote'; readonly time: number })
  | {
      readonly is: 'ticket';
      readonly ticket: string;
      readonly time: number;
      readonly fields: readonly (readonly [string, string])[];
    };

/** By repository and artifact: what has been looked at stays, so that a push costs a look at what it brought. */
const known = new LruMap<string, Fact | 'other'>(24 * 1024 * 1024);
const PER_FACT = 160;

/** @throws CairnError `corrupt`, `unavailable`; the reason of the signal */
export async function readProjectNotes(view: FossilView): Promise<ProjectNotes> {
  const { bag } = view;
  const timeout = AbortSignal.timeout(TIME_LIMIT);
  const yielder = new Yielder();
  const facts: { readonly name: ArtifactName; readonly fact: Fact }[] = [];
  let cut = bag.count > MOST_LOOKS;
  const last = Math.max(0, bag.count - MOST_LOOKS);
  for (let position = bag.count - 1; position >= last; position--) {
    if (yielder.isDueByNow) await yielder.next();
    const { name, size, isPrivate, isCheckIn, isCluster } = bag.at(position);
    if (isPrivate || isCheckIn || isCluster || size > LARGEST_NOTE) continue;
    if (timeout.aborted || facts.length === MOST_NOTES) {
      cut = true;
      if (timeout.aborted) view.onCut?.();
      break;
    }
    const fact = await factOf(view, name);
    if (fact !== 'other') facts.push({ name, fact });
  }
  return { ...gather(facts), cut };
}

async function factOf(view: FossilView, name: ArtifactName): Promise<Fact | 'other'> {
  const key = `${view.bag.repository} ${name}`;
  const kept = known.get(key);
  if (kept !== undefined) return kept;
  const note = parseProjectNote(await readArtifact(view, name, LARGEST_NOTE));
  const fact = note === undefined ? 'other' : shortFact(note);
  known.set(key, fact, PER_FACT + key.length + (fact === 'other' ? 0 : JSON.stringify(fact).length));
  return fact;
}

/** What lists show, copied: a part of a text would keep all of it in memory. */
function shortFact(note: ProjectNote): Fact {
  const own = (text: string) => Buffer.from(text.slice(0, TEXT)).toString('utf8');
  const { time } = note;
  switch (note.is) {
    case 'wiki':
      return { is: 'wiki', title: own(note.title), user: own(note.user), time, isDeleted: note.text === '' };
    case 'technote':
      return {
        is: 'technote',
        name: own(note.technote),
        comment: own(note.comment),
        user: own(note.user),
        at: note.at,
        time,
      };
    case 'ticket': {
      const fields = note.fields.filter(([name]) => FIELDS.has(name.replace(/^\+/, '')));
      return {
        is: 'ticket',
        ticket: own(note.ticket),
        time,
        fields: fields.slice(0, 6).map(([name, value]) => [own(name), own(value)]),
      };
    }
  }
}

function gather(
  facts: readonly { readonly name: ArtifactName; readonly fact: Fact }[],
): Omit<ProjectNotes, 'cut'> {
  const wiki = new Map<string, WikiPage & { readonly isDeleted: boolean }>();
  const technotes = new Map<string, Technote>();
  const tickets = new Map<string, Ticket>();
  // In the order in which they were made, so that the last one counts.
  for (const { name, fact } of facts.toSorted(byTime)) {
    if (fact.is === 'wiki') wiki.set(fact.title, { ...fact, artifact: name });
    else if (fact.is === 'technote') technotes.set(fact.name, { ...fact, artifact: name });
    else tickets.set(fact.ticket, changed(tickets.get(fact.ticket), fact));
  }
  return {
    wiki: [...wiki.values()]
      .filter(({ isDeleted }) => !isDeleted)
      .sort((one, other) => (one.title < other.title ? -1 : 1)),
    tickets: [...tickets.values()].sort((one, other) => other.changed - one.changed),
    technotes: [...technotes.values()].sort((one, other) => other.at - one.at),
  };
}

/** Names decide between those of the same second, so that every server has the same order. */
function byTime(
  one: { readonly name: ArtifactName; readonly fact: Fact },
  other: { readonly name: ArtifactName; readonly fact: Fact },
): number {
  return one.fact.time - other.fact.time || (one.name < other.name ? -1 : 1);
}

function changed(
  before: Ticket | undefined,
  { ticket, time, fields }: Fact & { readonly is: 'ticket' },
): Ticket {
  const values = { title: before?.title ?? '', status: before?.status ?? '', type: before?.type ?? '' };
  for (const [name, value] of fields) {
    const field = name.replace(/^\+/, '');
    if (field !== 'title' && field !== 'status' && field !== 'type') continue;
    values[field] = (name.startsWith('+') ? values[field] + value : value).slice(0, TEXT);
  }
  return {
    name: ticket,
    ...values,
    made: before?.made ?? time,
    changed: time,
    changes: (before?.changes ?? 0) + 1,
  };
}
