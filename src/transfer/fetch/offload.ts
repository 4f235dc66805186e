/**
 * Responses with presigned URLs of the object store, for clients that ask for them: the v2 command `bundle-uri`, and the
 * section `packfile-uris` of a fetch (gitprotocol-v2). Anyone with a URL can read the object until the URL expires, so only
 * public repositories get URLs.
 */
import { createHash } from 'node:crypto';
import {
  beginUploadResponse,
  delimiterPacket,
  encodePacket,
  encodePackHeader,
  encodeUploadResponse,
  endUploadResponse,
  flushPacket,
  hexLength,
  maxPayloadLength,
} from '../../git/index.ts';
import { LruMap } from '../../lib/lru.ts';
import { readAll } from '../../lib/streams.ts';
import type { ObjectStore, PresignGet } from '../../object-store/object-store.ts';
import type { ArtifactStore } from '../../repository/artifact-store.ts';
import { nameOf } from '../../repository/artifact-store.ts';
import type { GitManifest, GitState } from '../../repository/git/git-manifest.ts';
import { type ArtifactKind, artifactKey } from '../../repository/keys.ts';
import type { ArtifactRef } from '../../repository/manifest.ts';
import { readBundleRecord } from '../../repository/records/bundle-record.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { isPublic } from '../repository-access.ts';
import type { OfferedCapabilities } from './advertise-refs.ts';
import { planStoredResponse } from './plan.ts';
import type { FetchQuery } from './upload-post.ts';

export interface OffloadOptions {
  /** Whether `bundle-uri` is offered. */
  readonly bundleUri: boolean;
  /** Whether `packfile-uris` is offered. */
  readonly packfileUris: boolean;
  /** How long a URL stays valid, in seconds. */
  readonly seconds: number;
  readonly presignGet: PresignGet;
  readonly control: ObjectStore;
  readonly artifacts: ArtifactStore;
  /** Is called with the reason why a client gets no URL. */
  readonly onTrouble: (error: unknown) => void;
}

/** Number of cached trailers; each is 20 or 32 bytes. */
const REMEMBERED_TRAILERS = 1_024;

export class Offload {
  private readonly options: OffloadOptions;
  private readonly trailers = new LruMap<string, string>(REMEMBERED_TRAILERS);

  constructor(options: OffloadOptions) {
    this.options = options;
  }

  /** Additional v2 capabilities of a repository: lines, and features of `fetch`. */
  capabilities(manifest: GitState): OfferedCapabilities {
    const { bundleUri, packfileUris } = this.options;
    if (!isPublic(manifest)) return { lines: [], fetch: [] };
    return { lines: bundleUri ? ['bundle-uri'] : [], fetch: packfileUris ? ['packfile-uris'] : [] };
  }

  /**
   * The response to the v2 command `bundle-uri`: a list of one bundle, or an empty list.
   * @throws CairnError `unavailable` if the store does not answer
   */
  async bundleList(id: RepositoryId, manifest: GitManifest): Promise<Buffer> {
    if (!this.options.bundleUri || !isPublic(manifest)) return flushPacket;
    const record = await readBundleRecord(this.options.control, id);
    const uri =
      record?.incarnation === manifest.incarnation
        ? await this.urlOf(id, 'bundle', record.bundle)
        : undefined;
    if (uri === undefined) return flushPacket;
    const lines = ['bundle.version=1', 'bundle.mode=all', `bundle.folded.uri=${uri}`];
    return Buffer.concat([...lines.map((line) => encodePacket(line)), flushPacket]);
  }

  /**
   * The response to a fetch that one stored pack answers: its URL, and an empty pack.
   * @returns undefined if the client did not ask for `packfile-uris`, or one pack is not enough
   */
  async packfileUriResponse(
    id: RepositoryId,
    manifest: GitManifest,
    query: FetchQuery,
  ): Promise<Buffer | undefined> {
    if (!this.options.packfileUris || query.packfileUris.length === 0 || !isPublic(manifest))
      return undefined;
    // Whether a pack answers the fetch does not depend on `packfile-uris`.
    const plan = await planStoredResponse(manifest, { ...query, packfileUris: [] }, undefined);
    const [part, ...more] = plan?.parts ?? [];
    const { objectFormat: format } = manifest;
    if (plan === undefined || part === undefined || more.length > 0) return undefined;
    if (part.end + hexLength(format) / 2 !== part.pack.size) return undefined;
    const url = await this.urlOf(id, 'pack', part.pack);
    const protocol = url?.slice(0, url.indexOf(':'));
    if (url === undefined || protocol === undefined || !query.packfileUris.includes(protocol))
      return undefined;
    const trailer = await this.trailerOf(id, part.pack, hexLength(format) / 2);
    if (trailer === undefined) return undefined;
    const header = encodePackHeader(0);
    const empty = Buffer.concat([header, createHash(format).update(header).digest()]);
    return Buffer.concat([
      encodePacket('packfile-uris\n'),
      encodePacket(`${trailer} ${url}\n`),
      delimiterPacket,
      beginUploadResponse(plan.form),
      encodeUploadResponse(plan.form, 1, empty),
      endUploadResponse(plan.form),
    ]);
  }

  /** A safe presigned URL; undefined if there is none. The operator is told why, and the client is served without it. */
  private async urlOf(id: RepositoryId, kind: ArtifactKind, ref: ArtifactRef): Promise<string | undefined> {
    try {
      const url = await this.options.presignGet(artifactKey(id, nameOf(kind, ref)), this.options.seconds);
      if (isSafeUrl(url)) return url;
      this.options.onTrouble(new Error(`clients cannot be sent to ${new URL(url).origin}`));
    } catch (error) {
      this.options.onTrouble(error);
    }
    return undefined;
  }

  /** The checksum at the end of a pack, which is git's name for it: read once, then cached. */
  private async trailerOf(id: RepositoryId, pack: ArtifactRef, length: number): Promise<string | undefined> {
    const known = this.trailers.get(pack.digest);
    if (known !== undefined) return known;
    try {
      const range = { offset: pack.size - length, length };
      const { body } = await this.options.artifacts.open(id, 'pack', pack, { range });
      const trailer = (await readAll(body, length)).toString('hex');
      this.trailers.set(pack.digest, trailer, 1);
      return trailer;
    } catch (error) {
      this.options.onTrouble(error);
      return undefined;
    }
  }
}

/**
 * True for a URL that is safe to advertise: https, visible ASCII, no user in it, short enough for a packet. Such URLs have
 * been used for attacks on git clients (CVE-2025-48385). Plain http is allowed only to this machine, for tests.
 */
export function isSafeUrl(text: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(text) || text.length > maxPayloadLength - 100 || !URL.canParse(text))
    return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== '' || password !== '' || hash !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
