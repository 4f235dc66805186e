import type { ArtifactName } from '../../../fossil/artifact-name.ts';
import type { ForumPost, ProjectNote } from '../../../fossil/project-note.ts';

/** What lists show of an artifact. Texts are cut, and copied: a part of a text would keep all of it in memory. */
export type NoteFact =
  | {
      readonly is: 'wiki';
      readonly title: string;
      readonly user: string;
      readonly time: number;
      readonly instant: number;
      readonly isDeleted: boolean;
    }
  | {
      readonly is: 'technote';
      readonly name: string;
      readonly comment: string;
      readonly user: string;
      readonly at: number;
      readonly time: number;
      readonly instant: number;
    }
  | {
      readonly is: 'ticket';
      readonly ticket: string;
      readonly time: number;
      readonly instant: number;
      readonly fields: readonly (readonly [string, string])[];
    }
  | {
      readonly is: 'attachment';
      readonly file: string;
      readonly target: string;
      readonly source: ArtifactName | undefined;
      readonly user: string;
      readonly time: number;
      readonly instant: number;
    }
  | ForumFact;

/** Of a version of a forum post. */
export interface ForumFact
  extends Pick<ForumPost, 'is' | 'thread' | 'answers' | 'replaces' | 'title' | 'user' | 'time' | 'instant'> {
  readonly isDeleted: boolean;
}

/** A fact with the artifact that it is from. */
export interface NamedFact<Fact extends NoteFact = NoteFact> {
  readonly name: ArtifactName;
  readonly fact: Fact;
}

/** Characters of a text, and fields of a change of a ticket, that are kept. */
export const TEXT = 300;
const MOST_FIELDS = 8;

/** The fields of tickets that lists and pages show, as Fossil names them. Projects may have others. */
export const TICKET_FIELDS = [
  'title',
  'status',
  'type',
  'severity',
  'priority',
  'resolution',
  'subsystem',
] as const;
const KEPT_FIELDS: ReadonlySet<string> = new Set(TICKET_FIELDS);

export function factOf(note: ProjectNote): NoteFact {
  const { time, instant } = note;
  switch (note.is) {
    case 'wiki':
      return {
        is: 'wiki',
        title: own(note.title),
        user: own(note.user),
        time,
        instant,
        isDeleted: note.text === '',
      };
    case 'technote': {
      const { technote, comment, user, at } = note;
      return {
        is: 'technote',
        name: own(technote),
        comment: own(comment),
        user: own(user),
        at,
        time,
        instant,
      };
    }
    case 'ticket': {
      const fields = note.fields.filter(([name]) => KEPT_FIELDS.has(name.replace(/^\+/, '')));
      const kept = fields.slice(0, MOST_FIELDS).map(([name, value]) => [own(name), own(value)] as const);
      return { is: 'ticket', ticket: own(note.ticket), time, instant, fields: kept };
    }
    case 'attachment': {
      const { file, target, source, user } = note;
      return {
        is: 'attachment',
        file: own(file),
        target: own(target),
        source: ownName(source),
        user: own(user),
        time,
        instant,
      };
    }
    case 'forum': {
      const { thread, answers, replaces, title, user, text } = note;
      return {
        is: 'forum',
        thread: ownName(thread),
        answers: ownName(answers),
        replaces: ownName(replaces),
        title: title === undefined ? undefined : own(title),
        user: own(user),
        time,
        instant,
        isDeleted: text.trim() === '',
      };
    }
  }
}

function own(text: string): string {
  return Buffer.from(text.slice(0, TEXT)).toString('utf8');
}

function ownName(name: ArtifactName | undefined): ArtifactName | undefined {
  return name === undefined ? undefined : (own(name) as ArtifactName);
}
