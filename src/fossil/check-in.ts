/** Check-ins: the artifacts that state what all files of a project were at one time. Only what Cairn uses of them is read. */
import { type ArtifactName, parseArtifactName } from './artifact-name.ts';
import { kindOfCards } from './card-rules.ts';
import { parseFossilDate } from './date.ts';
import { type ArtifactCard, readStructuralArtifact } from './structural-artifact.ts';
import { defossilize } from './tokens.ts';

/** What a check-in says of itself. */
export interface CheckIn {
  /** The check-ins it follows: the first is the primary one, others were merged. None for the first of a project. */
  readonly parents: readonly ArtifactName[];
  readonly comment: string;
  readonly user: string;
  /** When it was made, in seconds since the epoch; undefined if the date is not one. */
  readonly time: number | undefined;
  /** The branch that it begins, if it begins one. */
  readonly branch: string | undefined;
  /** The check-in that its list of files is relative to, for those called delta manifests. */
  readonly baseline: ArtifactName | undefined;
}

/** What a check-in says of itself, or undefined if the content is not a check-in. Told apart from others as by Fossil. */
export function parseCheckIn(content: Uint8Array): CheckIn | undefined {
  const cards = readStructuralArtifact(content, 'F');
  return cards === undefined ? undefined : checkInOf(cards);
}

/** The same for the cards of a structural artifact. */
export function checkInOf(cards: readonly ArtifactCard[]): CheckIn | undefined {
  if (kindOfCards(cards) !== 'check-in') return undefined;
  const textOf = (wanted: string) => cards.find(([letter]) => letter === wanted)?.[1] ?? '';
  const parents: ArtifactName[] = [];
  for (const [letter, line] of cards) {
    if (letter !== 'P' || line === '') continue;
    for (const text of line.split(' ')) {
      const parent = parseArtifactName(text);
      if (parent === undefined) return undefined;
      parents.push(parent);
    }
  }
  const instant = parseFossilDate(textOf('D'));
  const branch = cards.find(([letter, text]) => letter === 'T' && text.startsWith('*branch * '))?.[1];
  return {
    parents,
    comment: defossilize(textOf('C')),
    user: defossilize(textOf('U')),
    time: instant === undefined ? undefined : Math.floor(instant / 1_000),
    branch: branch === undefined ? undefined : defossilize(branch.slice('*branch * '.length)),
    baseline: parseArtifactName(textOf('B')),
  };
}
