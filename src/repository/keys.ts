/**
 * Every key in the bucket is built and parsed here; the layout can be learned from this file alone.
 *
 *     v1/repos/<owner, 64 hex>/<SHA-256 of the identifier, hex>/pointer
 *     v1/repos/<owner>/<…>/held
 *     v1/repos/<owner>/<…>/fold
 *     v1/repos/<owner>/<…>/bundle
 *     v1/repos/<owner>/<…>/check-in-locks
 *     v1/repos/<owner>/<…>/mirrors
 *     v1/repos/<owner>/<…>/mirroring/<name of the mirror>
 *     v1/repos/<owner>/<…>/tombstones
 *     v1/repos/<owner>/<…>/artifacts/<sha256>[-<n>].<pack|idx|rev|bitmap|graph|refs|bundle|bag|json>
 *     v1/repos/<owner>/<…>/events/<event id>.json
 *     v1/owners/<owner>
 *     v1/service
 *     v1/mirrors/<first hex digit of the identifier digest>
 *     v1/sign-ins/<expiry in seconds>-<name>
 *     v1/sign-outs/<period>/<public key>
 *     v1/events/catalog
 *     v1/events/writers/<writer>/<sequence>.json
 *     v1/events/segments/<sha256>.json
 *
 * Identifiers are free text, so the key contains their digest: no identifier can leave its place.
 */
import { type Digest, isDigest } from '../lib/digest.ts';
import type { RepositoryPlace } from './repository-id.ts';

/** `bag` is a pack of artifacts of a Fossil repository; all but it and `json` are of git. */
export type ArtifactKind = 'pack' | 'idx' | 'rev' | 'bitmap' | 'graph' | 'refs' | 'bundle' | 'bag' | 'json';

/** What names an artifact: its digest, its kind, and which copy (absent for the first). */
export interface ArtifactName {
  readonly digest: Digest;
  readonly kind: ArtifactKind;
  readonly n?: number;
}

const REPOSITORIES = 'v1/repos/';
const EVENTS = 'v1/events/';

/** The prefix of everything that belongs to one repository, ending in `/`. */
export function repositoryPrefix(place: RepositoryPlace): string {
  return `${REPOSITORIES}${place.owner}/${place.identifierDigest}/`;
}

export function pointerKey(place: RepositoryPlace): string {
  return `${repositoryPrefix(place)}pointer`;
}

export function tombstonesKey(place: RepositoryPlace): string {
  return `${repositoryPrefix(place)}tombstones`;
}

/** Signed states that wait for their objects. */
export function heldKey(place: RepositoryPlace): string {
  return `${repositoryPrefix(place)}held`;
}

/** The lease of the server that is folding the repository. */
export function foldLeaseKey(place: RepositoryPlace): string {
  return `${repositoryPrefix(place)}fold`;
}

/** The bundle that clients are told about. */
export function bundleKey(place: RepositoryPlace): string {
  return `${repositoryPrefix(place)}bundle`;
}

/** Which users of a Fossil repository are about to check in. */
export function checkInLocksKey(place: RepositoryPlace): string {
  return `${repositoryPrefix(place)}check-in-locks`;
}

/** The mirrors of the repository that servers keep. */
export function mirrorsKey(place: RepositoryPlace): string {
  return `${repositoryPrefix(place)}mirrors`;
}

/** The lease of the server that is working on a mirror. @param name of the mirror: lower-case letters, digits, dashes */
export function mirrorLeaseKey(place: RepositoryPlace, name: string): string {
  return `${repositoryPrefix(place)}mirroring/${name}`;
}

/** The parts of the index of repositories with mirrors. */
export const mirrorShards = [...'0123456789abcdef'];

/** The part of the index that names a repository if it has mirrors. */
export function mirrorShardOf({ identifierDigest }: RepositoryPlace): string {
  return identifierDigest.slice(0, 1);
}

/** @param shard one of {@link mirrorShards} */
export function mirrorShardKey(shard: string): string {
  return `v1/mirrors/${shard}`;
}

/** A signed event that a manifest names. Its id is the hash of what was signed, so it proves itself. */
export function signedEventKey(place: RepositoryPlace, eventId: string): string {
  return `${repositoryPrefix(place)}events/${eventId}.json`;
}

export function artifactKey(place: RepositoryPlace, name: ArtifactName): string {
  return `${repositoryPrefix(place)}artifacts/${artifactFileName(name)}`;
}

/** Copies that one generation of a repository may have of an artifact. The numbers of the next generation follow. */
const COPIES = 2 ** 20;

/**
 * The number of the first copy that a generation of a repository stores. In the first generation it is 0, which names
 * leave out. Generations never share names, so the artifacts of a withdrawn generation may be deleted at any time.
 * @param generation `RepositoryState.generation`
 */
export function firstCopy(generation = 0): number {
  return generation * COPIES;
}

/** The generation of an artifact, from the number of its copy. */
export function generationOfCopy(n = 0): number {
  return Math.floor(n / COPIES);
}

/** The generation of an artifact, from the last segment of its key. */
export function generationOfFile(fileName: string): number {
  return generationOfCopy(Number(/^[0-9a-f]{64}-(\d+)\./.exec(fileName)?.[1] ?? 0));
}

/** The last segment of an artifact's key. Tombstones use it as the name. */
export function artifactFileName(name: ArtifactName): string {
  return `${name.digest}${name.n === undefined ? '' : `-${name.n}`}.${name.kind}`;
}

/** The prefix of the owner records. */
export const ownersPrefix = 'v1/owners/';

/** The identifiers an owner has reserved. */
export function ownerKey(owner: string): string {
  return `${ownersPrefix}${owner}`;
}

/** The owner whose record `key` is, or undefined. */
export function parseOwnerKey(key: string): string | undefined {
  const owner = key.startsWith(ownersPrefix) ? key.slice(ownersPrefix.length) : '';
  return isDigest(owner) ? owner : undefined;
}

/** The service that owns this bucket. */
export const SERVICE_KEY = 'v1/service';

/** The prefix of {@link usedSignInKey}. */
export const usedSignInsPrefix = 'v1/sign-ins/';

/**
 * Says that something one can sign in with once has been used. It begins with the date, so that a listing has the oldest first.
 * @param expires seconds since 1970
 * @param name 32 hex characters
 */
export function usedSignInKey(expires: number, name: string): string {
  return `${usedSignInsPrefix}${String(expires).padStart(10, '0')}-${name}`;
}

/** The date in the key of a used sign-in, in seconds since 1970; undefined for another key. */
export function parseUsedSignInKey(key: string): number | undefined {
  const [, expires] = /^v1\/sign-ins\/(\d{10})-[0-9a-f]{32}$/.exec(key) ?? [];
  return expires === undefined ? undefined : Number(expires);
}

/** The prefix of {@link signOutKey}. */
export const signOutsPrefix = 'v1/sign-outs/';

/**
 * The sessions of a key that it has ended, of those that began in one period.
 * @param period counted from 1970
 */
export function signOutKey(period: number, publicKey: string): string {
  return `${signOutsPrefix}${String(period).padStart(6, '0')}/${publicKey}`;
}

/** The period in the key of a record of ended sessions; undefined for another key. */
export function parseSignOutKey(key: string): number | undefined {
  const [, period] = /^v1\/sign-outs\/(\d{6})\/[0-9a-f]{64}$/.exec(key) ?? [];
  return period === undefined ? undefined : Number(period);
}

/** The catalog of the event log: its event segments, its writers, and how much of each writer is in segments. */
export const CATALOG_KEY = `${EVENTS}catalog`;

/** One entry of the event log. @param sequence from 0, without gaps */
export function logEntryKey(writer: string, sequence: number): string {
  return `${EVENTS}writers/${writer}/${String(sequence).padStart(10, '0')}.json`;
}

export function eventSegmentKey(digest: Digest): string {
  return `${EVENTS}segments/${digest}.json`;
}

/** The prefix of a repository's artifacts. */
export function artifactsPrefix(place: RepositoryPlace): string {
  return `${repositoryPrefix(place)}artifacts/`;
}

/** The prefix under which the pointers of all repositories, or of one owner's, are found. */
export function repositoriesPrefix(owner?: string): string {
  return owner === undefined ? REPOSITORIES : `${REPOSITORIES}${owner}/`;
}

/** The owner and the digest of the identifier if `key` is a pointer, else undefined. */
export function parsePointerKey(key: string): RepositoryPlace | undefined {
  if (!key.startsWith(REPOSITORIES)) return undefined;
  const [owner, identifierDigest, name, ...rest] = key.slice(REPOSITORIES.length).split('/');
  if (owner === undefined || identifierDigest === undefined || name !== 'pointer' || rest.length > 0)
    return undefined;
  if (!isDigest(owner) || !isDigest(identifierDigest)) return undefined;
  return { owner, identifierDigest };
}
