/**
 * The contract of an object store: keys name bytes, with create-only and compare-and-swap writes.
 *
 * Keys are non-empty strings of printable ASCII, segments separated by `/`, no empty, `.` or `..` segment,
 * at most 1,024 bytes. One key may be the prefix of another (`a` and `a/b` may both exist).
 *
 * Promises every implementation and wrapper keeps (axioms A1–A3, shown by the conformance cases):
 * - A1 a write answered `written` is durable before the answer;
 * - A2 a read that starts after an answered write sees it, or a later one;
 * - A3 of several conditional writes predicated on one version at most one succeeds, provided that a
 *   key never holds the same body twice (version tokens may be derived from the content).
 * A write is all or nothing: no reader sees half of a body.
 *
 * "Not there" and "could not ask" never merge: `missing` means that the store answered and has no such key;
 * when it did not answer, `get`, `head`, `list` and `delete` throw a {@link CairnError} of kind `unavailable`, and
 * a body that breaks off emits one. Damage that the store finds in its own data is of kind `corrupt`.
 *
 * `put` throws only when the write certainly did not happen and will not: a bad key or body (`invalid`), a full
 * disk, nothing listening, wrong credentials or bucket (`unavailable`), a signal that was aborted before anything
 * was sent (its reason). In every doubtful case, an abort on the way included, the outcome is `unknown`. Such a write is never
 * resent behind the caller's back. A throw says nothing about earlier attempts.
 *
 * Other operations that are aborted reject with the signal's reason.
 */
import type { Readable } from 'node:stream';

/** Opaque: equal tokens mean the same write of the same key. Never empty, no surrounding quotes. */
export type VersionToken = string;

/** A part of a file on local disk, sent without being read into memory. Offsets and lengths in bytes. */
export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  /**
   * True if the file never changes again, and the key names exactly these bytes: no other body is ever put under it. A
   * store on the same file system may then keep the file itself instead of a copy. The caller may remove its own link.
   */
  readonly final?: true;
}

export type ObjectBody = Uint8Array | FileRange;

/** `create`: only if the key is absent. `replace`: only if the key's version is this. `overwrite`: always. */
export type PutMode =
  | { readonly mode: 'create' }
  | { readonly mode: 'replace'; readonly version: VersionToken }
  | { readonly mode: 'overwrite' };

/**
 * - `written`   the body is durable under this version
 * - `exists`    *create* found the key present (it may be the caller's own earlier attempt)
 * - `changed`   *replace* found another version (it may be the caller's own earlier attempt)
 * - `conflict`  the store refused because another write was under way; re-read, then retry
 * - `missing`   *replace* found no such key (some stores cannot tell this from `changed`)
 * - `unknown`   no answer, or one that says nothing: the write may have happened, or may happen yet
 */
export type PutOutcome =
  | { readonly outcome: 'written'; readonly version: VersionToken }
  | { readonly outcome: 'exists' }
  | { readonly outcome: 'changed' }
  | { readonly outcome: 'conflict' }
  | { readonly outcome: 'missing' }
  | { readonly outcome: 'unknown'; readonly cause: unknown };

export interface GetOptions {
  /** First byte and number of bytes wanted; a range beyond the end is cut short, if need be to nothing. */
  readonly range?: { readonly offset: number; readonly length: number };
  /** Answer `not-modified` when the key still has this version. */
  readonly ifNoneMatch?: VersionToken;
  readonly signal?: AbortSignal;
}

/**
 * A found object. `size` is the whole object's size in bytes, whatever the range. The caller drains or destroys
 * `body`; until then it holds a connection or a file. A body that breaks off emits an error, it never just ends.
 */
export type GetResult =
  | {
      readonly found: true;
      readonly version: VersionToken;
      readonly size: number;
      readonly body: Readable;
      /**
       * The file on this machine that is the whole object, if there is one that never changes ({@link FileRange.final}). Whoever
       * wants a copy may link to it instead; nobody may write to it.
       */
      readonly file?: string;
    }
  | { readonly found: false; readonly reason: 'missing' | 'not-modified' };

export type HeadResult =
  | { readonly found: true; readonly version: VersionToken; readonly size: number }
  | { readonly found: false };

export interface ListedObject {
  readonly key: string;
  readonly size: number;
}

export interface ListOptions {
  /** Only keys strictly after this one, in byte order. */
  readonly startAfter?: string;
  readonly signal?: AbortSignal;
}

export interface ObjectStore {
  get(key: string, options?: GetOptions): Promise<GetResult>;
  head(key: string, options?: { readonly signal?: AbortSignal }): Promise<HeadResult>;
  put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PutOutcome>;
  /** Every key that starts with `prefix`, in byte order, read page by page. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject>;
  /** Deletes a key; a key that is not there is no error. */
  delete(key: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Frees connections and files. No call may follow. */
  close(): Promise<void>;
}

/**
 * Makes a URL that allows its holder to read one object directly from the store.
 * @param seconds how long the URL stays valid
 * @throws CairnError `unavailable` when there are no credentials to sign with
 */
export type PresignGet = (key: string, seconds: number) => Promise<string>;

/**
 * One store over two pools of connections, so that slow downloads never block a pointer. `control` carries pointers,
 * manifests and other small mutable objects, and never resends a write. `bulk` carries packs and their indexes.
 */
export interface ObjectStorePair {
  readonly control: ObjectStore;
  readonly bulk: ObjectStore;
  /**
   * Absent for stores that only this process can reach. Signs without a request: it does not check that the object
   * exists.
   */
  readonly presignGet?: PresignGet;
  /**
   * True for a store on this machine's disk, which keeps large {@link FileRange.final} files of the same file system. Whoever
   * makes such a file can begin to make it durable before it is finished, so that the store finds little to do.
   */
  readonly keepsFiles?: true;
}

/** Number of bytes of a body. */
export function bodyLength(body: ObjectBody): number {
  return body instanceof Uint8Array ? body.byteLength : body.length;
}
