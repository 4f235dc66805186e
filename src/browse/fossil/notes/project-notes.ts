/**
 * The wiki, the tickets, the technotes, the forum and the attachments of a published state. Nothing says which artifacts they are, so those that are neither
 * check-ins nor clusters are looked at, the newest first, as far as the time for a page reaches; the next page goes on.
 */
import type { ArtifactName } from '../../../fossil/artifact-name.ts';
import { parseProjectNote } from '../../../fossil/project-note.ts';
import { Yielder } from '../../../lib/cooperative.ts';
import { LruMap } from '../../../lib/lru.ts';
import { type FossilView, readArtifact } from '../fossil-view.ts';
import { type ForumThread, gatherThreads } from './forum.ts';
import { type ForumFact, factOf, type NamedFact, type NoteFact, TEXT, TICKET_FIELDS } from './note-fact.ts';

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
  /** Empty if it has none. */
  readonly fields: Readonly<Record<(typeof TICKET_FIELDS)[number], string>>;
  /** Seconds since the epoch of its first and its last change. */
  readonly made: number;
  readonly changed: number;
  /** The artifacts, oldest first. */
  readonly changes: readonly ArtifactName[];
}

export interface Technote {
  readonly name: string;
  readonly artifact: ArtifactName;
  readonly comment: string;
  readonly user: string;
  /** Seconds since the epoch: where it stands in the timeline. */
  readonly at: number;
}

/** A file that is attached to something. */
export interface AttachedFile {
  readonly file: string;
  /** The artifact that says so. */
  readonly artifact: ArtifactName;
  /** Its content, which may be missing. */
  readonly source: ArtifactName;
  readonly user: string;
  readonly time: number;
}

export interface ProjectNotes {
  /** By title. */
  readonly wiki: readonly WikiPage[];
  /** The last changed one first. */
  readonly tickets: readonly Ticket[];
  /** The newest first. */
  readonly technotes: readonly Technote[];
  /** The last changed one first. */
  readonly threads: readonly ForumThread[];
  /** By the title or name of what they are attached to, and by file name. */
  readonly attachments: ReadonlyMap<string, readonly AttachedFile[]>;
  /** Whether there are artifacts that nobody has looked at. */
  readonly cut: boolean;
}

/** Artifacts that are looked at in all, their bytes, and milliseconds for it on one page. */
const MOST_LOOKS = 100_000;
export const LARGEST_NOTE = 512 * 1024;
const TIME_LIMIT = 2_500;
/** Notes that are kept. */
const MOST_NOTES = 20_000;

/** By repository and artifact: what has been looked at stays, so that a push costs a look at what it brought. */
const known = new LruMap<string, NoteFact | 'other'>(24 * 1024 * 1024);
const PER_FACT = 160;

/** @throws CairnError `corrupt`, `unavailable`; the reason of the signal */
export async function readProjectNotes(view: FossilView): Promise<ProjectNotes> {
  const { bag } = view;
  const timeout = AbortSignal.timeout(TIME_LIMIT);
  const yielder = new Yielder();
  const facts: NamedFact[] = [];
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
    const fact = await look(view, name);
    if (fact !== 'other') facts.push({ name, fact });
  }
  return { ...gather(facts), cut };
}

async function look(view: FossilView, name: ArtifactName): Promise<NoteFact | 'other'> {
  const key = `${view.bag.repository} ${name}`;
  const kept = known.get(key);
  if (kept !== undefined) return kept;
  const note = parseProjectNote(await readArtifact(view, name, LARGEST_NOTE));
  const fact = note === undefined ? 'other' : factOf(note);
  known.set(key, fact, PER_FACT + key.length + (fact === 'other' ? 0 : JSON.stringify(fact).length));
  return fact;
}

function gather(facts: readonly NamedFact[]): Omit<ProjectNotes, 'cut'> {
  const wiki = new Map<string, WikiPage & { readonly isDeleted: boolean }>();
  const technotes = new Map<string, Technote>();
  const tickets = new Map<string, GatheredTicket>();
  const attachments = new Map<string, Map<string, AttachedFile>>();
  const posts: NamedFact<ForumFact>[] = [];
  // In the order in which they were made, so that the last one counts.
  for (const { name, fact } of facts.toSorted(byTime)) {
    switch (fact.is) {
      case 'wiki':
        wiki.set(fact.title, { ...fact, artifact: name });
        break;
      case 'technote':
        technotes.set(fact.name, { ...fact, artifact: name });
        break;
      case 'ticket':
        tickets.set(fact.ticket, changed(tickets.get(fact.ticket), name, fact));
        break;
      case 'attachment': {
        const { file, target, source, user, time } = fact;
        const files = attachments.get(target) ?? new Map<string, AttachedFile>();
        attachments.set(target, files);
        if (source === undefined) files.delete(file);
        else files.set(file, { file, artifact: name, source, user, time });
        break;
      }
      case 'forum':
        posts.push({ name, fact });
    }
  }
  return {
    wiki: [...wiki.values()]
      .filter(({ isDeleted }) => !isDeleted)
      .sort((one, other) => (one.title < other.title ? -1 : 1)),
    tickets: [...tickets.values()].sort((one, other) => other.changed - one.changed),
    technotes: [...technotes.values()].sort((one, other) => other.at - one.at),
    threads: gatherThreads(posts),
    attachments: new Map(
      [...attachments].map(([target, files]) => [
        target,
        [...files.values()].sort((one, other) => (one.file < other.file ? -1 : 1)),
      ]),
    ),
  };
}

/** Names decide between those of the same instant, so that every server has the same order. */
function byTime(one: NamedFact, other: NamedFact): number {
  return one.fact.instant - other.fact.instant || (one.name < other.name ? -1 : 1);
}

/** A ticket while its changes are gathered. */
interface GatheredTicket extends Ticket {
  readonly changes: ArtifactName[];
}

function changed(
  before: GatheredTicket | undefined,
  artifact: ArtifactName,
  { ticket, time, fields }: NoteFact & { readonly is: 'ticket' },
): GatheredTicket {
  const values = Object.fromEntries(TICKET_FIELDS.map((name) => [name, before?.fields[name] ?? '']));
  for (const [name, value] of fields) {
    const field = name.replace(/^\+/, '');
    values[field] = (name.startsWith('+') ? `${values[field] ?? ''}${value}` : value).slice(0, TEXT);
  }
  // Not copied for each change: a ticket may have thousands.
  const changes = before?.changes ?? [];
  changes.push(artifact);
  return {
    name: ticket,
    fields: values as Ticket['fields'],
    made: before?.made ?? time,
    changed: time,
    changes,
  };
}
