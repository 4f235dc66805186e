import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ArtifactName } from '../../fossil/artifact-name.ts';
import {
  applyToBaseline,
  type CheckInFile,
  type CheckInManifest,
  parseCheckInManifest,
  parseTaggedCheckIn,
  type TaggedCheckIn,
} from '../../fossil/check-in-manifest.ts';
import { CairnError } from '../../lib/errors.ts';
import type { CheckInFacts } from './fossil-memory.ts';
import { type FossilView, findArtifact, readArtifact } from './fossil-view.ts';

/** Largest manifest that is read, in bytes: some 100,000 files. */
export const LARGEST_MANIFEST = 16 * 1024 * 1024;
/** Longest comment that is kept for lists, in characters. */
const KEPT_COMMENT = 2_000;
const KEPT_USER = 200;
/** Most tags, and characters of each. */
const KEPT_TAGS = 20;
const KEPT_TAG = 200;
const MOST_PARENTS = 64;

/** How the files of a check-in differ from those of another one. */
export interface FileChange {
  readonly change: 'added' | 'changed' | 'deleted' | 'renamed';
  readonly name: string;
  /** Of a renamed one. */
  readonly oldName?: string;
  /** Of the current file; of a deleted one, the former one. */
  readonly artifact: ArtifactName;
}

/**
 * What a check-in says of itself.
 * @throws CairnError `not-found` for an artifact that is no check-in; `too-large`; `corrupt`; `unavailable`
 */
export async function readCheckIn(view: FossilView, name: ArtifactName): Promise<CheckInManifest> {
  const { isCheckIn } = findArtifact(view, name);
  if (!isCheckIn) throw new CairnError('not-found', 'this artifact is not a check-in');
  const manifest = parseCheckInManifest(await readArtifact(view, name, LARGEST_MANIFEST));
  if (manifest === undefined) throw new CairnError('not-found', 'this check-in cannot be read');
  return manifest;
}

/** What lists show of a check-in, from memory if it is there. @throws as {@link readCheckIn} */
export async function readFacts(view: FossilView, name: ArtifactName): Promise<CheckInFacts> {
  const { isCheckIn } = findArtifact(view, name);
  const known = view.memory.factsOf(view.bag.repository, name);
  if (known !== undefined) return known;
  const content = isCheckIn ? await readArtifact(view, name, LARGEST_MANIFEST) : undefined;
  const checkIn = content === undefined ? undefined : parseTaggedCheckIn(content);
  if (checkIn === undefined) throw new CairnError('not-found', 'this artifact is not a check-in');
  const facts = factsOf(name, checkIn);
  view.memory.rememberFacts(view.bag.repository, facts);
  // Contents that are in memory come without a pause, and there may be thousands.
  await nextTurn();
  return facts;
}

/** All files of a check-in by name, in order. @throws as {@link readCheckIn} */
export async function readFiles(
  view: FossilView,
  name: ArtifactName,
): Promise<ReadonlyMap<string, CheckInFile>> {
  const { bag, memory } = view;
  findArtifact(view, name);
  const known = memory.filesOf(bag.repository, name);
  if (known !== undefined) return known;
  const { baseline, files } = await readCheckIn(view, name);
  // A baseline has no baseline itself: Fossil makes none of a delta manifest.
  const base = baseline === undefined ? new Map() : (await readCheckIn(view, baseline)).files;
  const all = applyToBaseline(base, files);
  memory.rememberFiles(bag.repository, name, all);
  return all;
}

/** The file at a path. @throws CairnError `not-found`, and as {@link readFiles} */
export async function findFile(view: FossilView, name: ArtifactName, path: string): Promise<CheckInFile> {
  const file = (await readFiles(view, name)).get(path);
  if (file === undefined) throw new CairnError('not-found', 'there is no such file in this check-in');
  return file;
}

/** How files differ, in the order of their names. @param before of the first parent */
export function compareFiles(
  before: ReadonlyMap<string, CheckInFile>,
  after: ReadonlyMap<string, CheckInFile>,
): FileChange[] {
  const changes: FileChange[] = [];
  const renamed = new Set<string>();
  for (const [name, { artifact, kind, oldName }] of after) {
    const was = before.get(name);
    if (was !== undefined) {
      if (was.artifact !== artifact || was.kind !== kind) changes.push({ change: 'changed', name, artifact });
    } else if (oldName !== undefined && before.has(oldName) && !after.has(oldName)) {
      renamed.add(oldName);
      changes.push({ change: 'renamed', name, oldName, artifact });
    } else {
      changes.push({ change: 'added', name, artifact });
    }
  }
  for (const [name, { artifact }] of before) {
    if (!after.has(name) && !renamed.has(name)) changes.push({ change: 'deleted', name, artifact });
  }
  return changes.sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
}

function factsOf(name: ArtifactName, checkIn: TaggedCheckIn): CheckInFacts {
  const { comment, user, time, parents, branch, tags } = checkIn;
  // Slices of a manifest would keep all of it in memory.
  const own = (text: string, limit: number) => Buffer.from(text.slice(0, limit)).toString('utf8');
  const names = tags
    .filter(({ sign, name: tag }) => sign === '+' && tag.startsWith('sym-'))
    .map(({ name: tag }) => own(tag.slice('sym-'.length), KEPT_TAG));
  return {
    name,
    comment: own(comment, KEPT_COMMENT),
    user: own(user, KEPT_USER),
    time,
    parents: parents.slice(0, MOST_PARENTS).map((parent) => own(parent, parent.length) as ArtifactName),
    branch: branch === undefined ? undefined : own(branch, KEPT_TAG),
    tags: names.slice(0, KEPT_TAGS),
  };
}
