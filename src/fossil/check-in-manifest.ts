/** All that pages show of a check-in (fossil-scm.org, "Fossil File Formats", 2.1): its files, its tags, and the form of its comment. */
import { type ArtifactName, parseArtifactName } from './artifact-name.ts';
import { fileCards } from './card-rules.ts';
import { type CheckIn, checkInOf } from './check-in.ts';
import { type ArtifactCard, readStructuralArtifact } from './structural-artifact.ts';
import { defossilize } from './tokens.ts';

export interface CheckInFile {
  readonly artifact: ArtifactName;
  readonly kind: 'file' | 'executable' | 'symlink';
  /** Its name before, if this check-in gave it another one. */
  readonly oldName: string | undefined;
}

/** A tag that a check-in gives to itself. */
export interface CheckInTag {
  /** `+` for this check-in alone, `*` for those that follow as well, `-` ends one that came from before. */
  readonly sign: '+' | '*' | '-';
  readonly name: string;
  readonly value: string;
}

/** A check-in without its files, of which there may be very many. */
export interface TaggedCheckIn extends CheckIn {
  readonly tags: readonly CheckInTag[];
}

export interface CheckInManifest extends TaggedCheckIn {
  /** By name, with slashes. A delta manifest only has those that differ from its baseline; undefined is a deleted file. */
  readonly files: ReadonlyMap<string, CheckInFile | undefined>;
}

/** Reads a check-in's own description and its tags; undefined if the content is not a check-in. */
export function parseTaggedCheckIn(content: Uint8Array): TaggedCheckIn | undefined {
  const cards = readStructuralArtifact(content);
  if (cards === undefined) return undefined;
  const checkIn = checkInOf(cards);
  return checkIn === undefined ? undefined : { ...checkIn, tags: tagsOf(cards) };
}

/** Reads a complete check-in; undefined if the content is not one, or one of its files has an invalid name. */
export function parseCheckInManifest(content: Uint8Array): CheckInManifest | undefined {
  const cards = readStructuralArtifact(content);
  if (cards === undefined) return undefined;
  const checkIn = checkInOf(cards);
  if (checkIn === undefined) return undefined;
  const files = filesOf(cards);
  if (files === undefined) return undefined;
  return { ...checkIn, files, tags: tagsOf(cards) };
}

/** The files of a delta manifest together with those of its baseline, in the order of their names. */
export function applyToBaseline(
  baseline: ReadonlyMap<string, CheckInFile | undefined>,
  changed: ReadonlyMap<string, CheckInFile | undefined>,
): Map<string, CheckInFile> {
  const all = new Map([...baseline, ...changed]);
  return new Map(
    [...all].flatMap(([name, file]) => (file === undefined ? [] : [[name, file] as const])).sort(byName),
  );
}

function filesOf(cards: readonly ArtifactCard[]): CheckInManifest['files'] | undefined {
  const listed = fileCards(cards);
  if (listed === undefined) return undefined;
  const files = new Map<string, CheckInFile | undefined>();
  for (const { name, hash, permission, oldName } of listed) {
    const artifact = hash === undefined ? undefined : parseArtifactName(hash);
    if (artifact === undefined && hash !== undefined) return undefined;
    const kind = permission.includes('l') ? 'symlink' : permission.includes('x') ? 'executable' : 'file';
    files.set(name, artifact === undefined ? undefined : { artifact, kind, oldName });
  }
  return files;
}

function tagsOf(cards: readonly ArtifactCard[]): CheckInTag[] {
  return cards.flatMap(([letter, text]) => (letter === 'T' ? tagOf(text) : []));
}

/** Tags of other artifacts (a target that is not `*`) are left out. */
function tagOf(text: string): CheckInTag[] {
  const [, sign, name = '', value = ''] = /^([+*-])(\S+) \*(?: (.*))?$/.exec(text) ?? [];
  if (sign !== '+' && sign !== '*' && sign !== '-') return [];
  return [{ sign, name: defossilize(name), value: defossilize(value) }];
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
