/** When packs as they are stored are the answer to a fetch, so that git need not make one. */
import {
  hexLength,
  type ObjectFormat,
  type UploadResponseForm,
  uploadResponseForm,
  wantSetDigest,
} from '../../git/index.ts';
import type { Digest } from '../../lib/digest.ts';
import type { GitManifest, PackEntry } from '../../repository/git/git-manifest.ts';
import type { ArtifactRef } from '../../repository/manifest.ts';
import { type FetchQuestion, says } from './question.ts';
import { showsObjects, tagObjects } from './shown-objects.ts';

/** The entries of a stored pack that go into an answer: the first ones, all but bases that only completed it. */
export interface PackPart {
  readonly pack: ArtifactRef;
  readonly objects: number;
  /** The byte of the pack behind the last of these entries. */
  readonly end: number;
}

/** An answer that is stored already. */
export interface StoredAnswer {
  readonly form: UploadResponseForm;
  /** True when the client wants to be shown texts beside the pack. */
  readonly progress: boolean;
  /** No object is in two of them, and none is missing. */
  readonly parts: readonly PackPart[];
}

/** What a client wants, and the name of that set. */
export interface WantSet {
  readonly oids: readonly string[];
  readonly digest: Digest;
}

/** Knows which packs of a manifest together hold exactly what some wants reach. */
export interface JoinedPacks {
  /** The parts of them that do; undefined when that is not known. */
  find(wants: WantSet): Promise<readonly PackPart[] | undefined>;
  /** Hears of a pack that does so by itself. */
  noteExact(entry: PackEntry, wants: WantSet): void;
}

/**
 * Decides whether a fetch is answered by stored packs: one that wants everything, by a client that has nothing and
 * understands what is in them. Anything else is for `git upload-pack`, and so is every request that it would refuse.
 *
 * @param joined asked when no single pack is known to be the answer
 */
export async function planStoredAnswer(
  manifest: GitManifest,
  question: FetchQuestion,
  joined: JoinedPacks | undefined,
): Promise<StoredAnswer | undefined> {
  if (!wantsWholePacks(question) || !(await mayHaveStored(manifest, question))) return undefined;
  const wants = { oids: question.wants, digest: wantSetDigest(question.wants) };
  const exact = exactPack(manifest, wants);
  if (exact !== undefined) joined?.noteExact(exact, wants);
  const parts = exact === undefined ? await joined?.find(wants) : [partOf(exact, manifest.objectFormat)];
  if (parts === undefined) return undefined;
  const form = uploadResponseForm(question.version, (word) => says(question, word));
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
async function mayHaveStored(manifest: GitManifest, question: FetchQuestion): Promise<boolean> {
  if (!says(question, 'ofs-delta') || !speaksFormat(question, manifest.objectFormat)) return false;
  // v2 gives out any object there is. Before, a want has to be advertised, or reachable from what is: git finds out.
  if (question.version !== 2 && !(await showsObjects(manifest, question.wants))) return false;
  if (!says(question, 'include-tag')) return true;
  // git adds tag objects that lead to what it sends; here there must be none besides those that are wanted.
  const wanted = new Set(question.wants);
  return (await tagObjects(manifest)).every((oid) => wanted.has(oid));
}

/** In v2 a client that does not say which hash it uses means SHA-1; before, only the length of ids says it. */
function speaksFormat(question: FetchQuestion, format: ObjectFormat): boolean {
  if (question.version !== 2) return true;
  if (says(question, 'object-format')) return question.words.includes(`object-format=${format}`);
  return format === 'sha1';
}

/** The pack that its tips say to be the answer by itself, if there is one. */
export function exactPack(manifest: GitManifest, wants: WantSet): PackEntry | undefined {
  return manifest.packs.find(({ tips }) => tips === wants.digest);
}

/** What of a pack belongs into an answer. */
export function partOf({ pack, objects, own }: PackEntry, format: ObjectFormat): PackPart {
  return own === undefined ? { pack, objects, end: pack.size - hexLength(format) / 2 } : { pack, ...own };
}
