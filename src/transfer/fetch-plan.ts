/** When packs as they are stored are the answer to a fetch, so that git need not make one. */
import {
  hexLength,
  isTag,
  type ObjectFormat,
  type UploadAnswerForm,
  uploadAnswerForm,
  wantSetDigest,
} from '../git/index.ts';
import type { ArtifactRef, Manifest, PackEntry } from '../repository/manifest.ts';
import { shownObjects } from './fetch-look.ts';
import { type FetchQuestion, says } from './fetch-question.ts';

/** The entries of a stored pack that go into an answer: the first ones, all but bases that only completed it. */
export interface PackPart {
  readonly pack: ArtifactRef;
  readonly objects: number;
  /** The byte of the pack behind the last of these entries. */
  readonly end: number;
}

/** An answer that is stored already. */
export interface StoredAnswer {
  readonly form: UploadAnswerForm;
  /** True when the client wants to be shown texts beside the pack. */
  readonly progress: boolean;
  /** No object is in two of them, and none is missing. */
  readonly parts: readonly PackPart[];
}

/** Finds packs that together hold exactly what some wants reach; undefined when that is not known. */
export type FindJoined = (manifest: Manifest, wants: readonly string[]) => readonly PackPart[] | undefined;

/**
 * Decides whether a fetch is answered by stored packs: one that wants everything, by a client that has nothing and
 * understands what is in them. Anything else is for `git upload-pack`, and so is every request that it would refuse.
 *
 * @param joined asked when no single pack is known to be the answer
 */
export function planStoredAnswer(
  manifest: Manifest,
  question: FetchQuestion,
  joined: FindJoined,
): StoredAnswer | undefined {
  if (!wantsWholePacks(question) || !mayHaveStored(manifest, question)) return undefined;
  const parts = exactPack(manifest, question.wants) ?? joined(manifest, question.wants);
  if (parts === undefined) return undefined;
  const form = uploadAnswerForm(question.version, (word) => says(question, word));
  return { form, progress: !says(question, 'no-progress'), parts };
}

/** Nothing in the question asks for less than everything, or for an answer with more in it than a pack. */
function wantsWholePacks(question: FetchQuestion): boolean {
  const { version, wants, haves, wantRefs, shallow, packfileUris, deepenNot } = question;
  if (wants.length === 0 || haves.length > 0 || wantRefs.length > 0 || packfileUris.length > 0) return false;
  if (shallow.length > 0 || deepenNot.length > 0) return false;
  if (question.deepen !== undefined || question.deepenSince !== undefined) return false;
  if (question.filter !== undefined || says(question, 'sideband-all')) return false;
  // Whoever has nothing to say needs not say that he is done, in v2; before, he is waited for.
  return version === 2 || question.done;
}

/** True when git would send this client what is stored, neither refusing it nor adding to it nor writing it differently. */
function mayHaveStored(manifest: Manifest, question: FetchQuestion): boolean {
  const { objectFormat: format } = manifest;
  if (!says(question, 'ofs-delta')) return false;
  if (
    !question.words.includes(`object-format=${format}`) &&
    (says(question, 'object-format') || format !== 'sha1')
  )
    return false;
  // v2 gives out any object there is. Before, a want has to be advertised, or reachable from what is: git finds out.
  const shown = question.version === 2 ? undefined : shownObjects(manifest);
  if (shown !== undefined && !question.wants.every((oid) => shown.has(oid))) return false;
  return !says(question, 'include-tag') || includesTags(manifest, question.wants);
}

const annotatedTags = new WeakMap<Manifest, readonly string[]>();

/** True when there is no tag object that a client who asks for tags along could be sent besides what it wants. */
function includesTags(manifest: Manifest, wants: readonly string[]): boolean {
  let tags = annotatedTags.get(manifest);
  if (tags === undefined) {
    tags = [...manifest.peeled.keys()].filter(isTag).map((name) => manifest.refs.get(name) ?? '');
    annotatedTags.set(manifest, tags);
  }
  if (tags.length === 0) return true;
  const wanted = new Set(wants);
  return tags.every((oid) => wanted.has(oid));
}

function exactPack(manifest: Manifest, wants: readonly string[]): readonly PackPart[] | undefined {
  if (!manifest.packs.some(({ tips }) => tips !== undefined)) return undefined;
  const digest = wantSetDigest(wants);
  const entry = manifest.packs.find(({ tips }) => tips === digest);
  return entry === undefined ? undefined : [partOf(entry, manifest.objectFormat)];
}

/** What of a pack belongs into an answer. */
export function partOf({ pack, objects, own }: PackEntry, format: ObjectFormat): PackPart {
  return own === undefined ? { pack, objects, end: pack.size - hexLength(format) / 2 } : { pack, ...own };
}
