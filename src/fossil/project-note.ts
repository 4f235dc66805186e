/**
 * What a project keeps beside its files (fossil-scm.org, "Fossil File Formats"): pages of its wiki (2.4), changes of its tickets (2.5)
 * and technotes (2.8).
 */
import { readStructuralArtifact } from './structural-artifact.ts';
import { defossilize } from './tokens.ts';

interface Signed {
  readonly user: string;
  /** Seconds since the epoch. */
  readonly time: number;
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
  /** The name of the technote. */
  readonly technote: string;
  /** Seconds since the epoch: where it stands in the timeline. */
  readonly at: number;
  readonly comment: string;
}

export type ProjectNote = WikiVersion | TicketChange | TechnoteVersion;

const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/;
const TICKET = /^[0-9a-f]{40}$/;

/** Reads a page of a wiki, a change of a ticket or a technote; undefined if the content is none of them. */
export function parseProjectNote(content: Uint8Array): ProjectNote | undefined {
  const cards = readStructuralArtifact(content);
  if (cards === undefined) return undefined;
  const rawOf = (wanted: string) => cards.find(([letter]) => letter === wanted)?.[1];
  const textOf = (wanted: string) => defossilize(rawOf(wanted) ?? '');
  const time = secondsOf(rawOf('D'));
  if (time === undefined) return undefined;
  const signed = { user: textOf('U'), time };
  const [title, text, ticket, event] = [rawOf('L'), rawOf('W'), rawOf('K'), rawOf('E')];
  if (title !== undefined && text !== undefined) {
    const type = textOf('N') || 'text/x-fossil-wiki';
    return { is: 'wiki', title: defossilize(title), type, text, ...signed };
  }
  if (ticket !== undefined && TICKET.test(ticket)) {
    const fields = cards.flatMap(([letter, line]) => (letter === 'J' ? [fieldOf(line)] : []));
    return { is: 'ticket', ticket, fields, ...signed };
  }
  if (event === undefined || text === undefined) return undefined;
  const [date = '', technote = ''] = event.split(' ');
  const at = secondsOf(date);
  if (at === undefined || !TICKET.test(technote)) return undefined;
  return { is: 'technote', technote, at, comment: textOf('C'), ...signed };
}

function fieldOf(line: string): readonly [name: string, value: string] {
  const [name = '', value = ''] = line.split(' ');
  return [defossilize(name), defossilize(value)];
}

function secondsOf(date: string | undefined): number | undefined {
  return date !== undefined && DATE.test(date) ? Math.floor(Date.parse(`${date}Z`) / 1_000) : undefined;
}
