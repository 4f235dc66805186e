/** Decides whether stored packs answer a fetch, so that git need not make a pack. */
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
import { showsObjects, tagObjects } from './shown-objects.ts';
import { type FetchQuery, says } from './upload-post.ts';

/** The entries of a stored pack that are sent: all but the bases that only complete a thin pack, which are at its end. */
export interface PackPart {
  readonly pack: ArtifactRef;
  readonly objects: number;
  /** The offset in the pack after the last of these entries. */
  readonly end: number;
}

/** A response made of stored packs. */
export interface StoredResponse {
  readonly form: UploadResponseForm;
  /** True if the client wants progress messages. */
  readonly progress: boolean;
  /** Together they have every object exactly once. */
  readonly parts: readonly PackPart[];
}

/** The wants of a client, and the digest of that set. */
export interface WantSet {
  readonly oids: readonly string[];
  readonly digest: Digest;
}

/** Knows which packs of a manifest together contain exactly the objects reachable from some wants. */
export interface Concatenations {
  /** The parts to send; undefined if that is not known. */
  find(wants: WantSet): Promise<readonly PackPart[] | undefined>;
  /** Is told of a pack that contains exactly these objects by itself. */
  noteExact(entry: PackEntry, wants: WantSet): void;
}

/**
 * Decides whether stored packs answer a fetch. They do for a full clone, if the client understands the form of the packs.
 * `git upload-pack` answers everything else, including every request that it would refuse.
 *
 * @param concatenations is asked if no single pack is known to answer the fetch
 */
export async function planStoredResponse(
  manifest: GitManifest,
  query: FetchQuery,
  concatenations: Concatenations | undefined,
): Promise<StoredResponse | undefined> {
  if (!wantsWholePacks(query) || !(await mayHaveStored(manifest, query))) return undefined;
  const wants = { oids: query.wants, digest: wantSetDigest(query.wants) };
  const exact = exactPack(manifest, wants);
  if (exact !== undefined) concatenations?.noteExact(exact, wants);
  const parts =
    exact === undefined ? await concatenations?.find(wants) : [partOf(exact, manifest.objectFormat)];
  if (parts === undefined) return undefined;
  const form = uploadResponseForm(query.version, (word) => says(query, word));
  return { form, progress: !says(query, 'no-progress'), parts };
}

/** True if the fetch asks for everything that its wants reach, and for nothing but a pack. */
function wantsWholePacks(query: FetchQuery): boolean {
  const { version, wants, haves, wantRefs, shallow, packfileUris, deepenNot } = query;
  if (wants.length === 0 || haves.length > 0 || wantRefs.length > 0 || packfileUris.length > 0) return false;
  if (shallow.length > 0 || deepenNot.length > 0) return false;
  if (query.deepen !== undefined || query.deepenSince !== undefined) return false;
  if (query.filter !== undefined || says(query, 'sideband-all')) return false;
  // In v2 a client without haves need not send `done`; in v0 and v1 it must.
  return version === 2 || query.done;
}

/** True if git would send this client the same objects in a form like the stored one: no refusal, no additional tags. */
async function mayHaveStored(manifest: GitManifest, query: FetchQuery): Promise<boolean> {
  if (!says(query, 'ofs-delta') || !speaksFormat(query, manifest.objectFormat)) return false;
  // v2 sends any object. In v0 and v1 a want must be advertised or reachable from an advertised object, which git checks.
  if (query.version !== 2 && !(await showsObjects(manifest, query.wants))) return false;
  if (!says(query, 'include-tag')) return true;
  // git adds tag objects that point to what it sends, so there must be none that is not wanted.
  const wanted = new Set(query.wants);
  return (await tagObjects(manifest)).every((oid) => wanted.has(oid));
}

/** In v2 a client without `object-format` means SHA-1. In v0 and v1 only the length of ids tells the format. */
function speaksFormat(query: FetchQuery, format: ObjectFormat): boolean {
  if (query.version !== 2) return true;
  if (says(query, 'object-format')) return query.words.includes(`object-format=${format}`);
  return format === 'sha1';
}

/** The pack that contains exactly the objects reachable from these wants, according to its `tips`; undefined if none does. */
export function exactPack(manifest: GitManifest, wants: WantSet): PackEntry | undefined {
  return manifest.packs.find(({ tips }) => tips === wants.digest);
}

/** The part of a pack that is sent. */
export function partOf({ pack, objects, own }: PackEntry, format: ObjectFormat): PackPart {
  return own === undefined ? { pack, objects, end: pack.size - hexLength(format) / 2 } : { pack, ...own };
}
