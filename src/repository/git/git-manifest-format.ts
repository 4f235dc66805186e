import { inSuitableForm, LazySegment, RefTable, tableOf } from '../../git/index.ts';
import { cooperate } from '../../lib/cooperative.ts';
import { publicError } from '../../lib/errors.ts';
import type { ArtifactStore } from '../artifact-store.ts';
import type { ManifestBytes, ManifestFormat, ManifestParts } from '../manifest-format.ts';
import type { RepositoryPlace } from '../repository-id.ts';
import type { GitCause, GitManifest } from './git-manifest.ts';
import { decodeManifest, encodeManifest, type StoredRefs } from './git-manifest-codec.ts';
import { RefSegments } from './ref-segments.ts';
import { SharedSegments } from './shared-segments.ts';

/** Most names of refs that one cause lists: a withdrawal of a million refs need not name each of them. */
const MOST_NAMED = 5_000;

/** The format of git manifests, with the ref segments that they name if there are very many refs. */
export class GitManifestFormat implements ManifestFormat<GitManifest>, ManifestParts<GitManifest> {
  readonly parts = this;
  private readonly segments: RefSegments;
  private readonly shared = new SharedSegments();

  constructor(artifacts: ArtifactStore) {
    this.segments = new RefSegments(artifacts);
  }

  /** The number of refs decides whether they go into ref segments or into the manifest itself. The version says which. */
  async encode(manifest: GitManifest): Promise<ManifestBytes<GitManifest>> {
    const { refs, peeled } = await cooperate(inSuitableForm(manifest, manifest.objectFormat));
    const version = tableOf(refs) === undefined ? 1 : 2;
    const causes = manifest.causes.map(withFewNames);
    return encoded({ ...manifest, version, refs, peeled, causes });
  }

  decode(id: RepositoryPlace, bytes: Buffer, name: string): GitManifest {
    return decodeManifest(bytes, name, (stored) => this.openTable(id, stored));
  }

  async load({ refs }: GitManifest, name: () => string): Promise<void> {
    const table = tableOf(refs);
    await table?.ready();
    if (table?.isSound === false) {
      throw publicError('corrupt', `the manifest ${name()} is damaged: refs.count is not the number of refs`);
    }
  }

  async write(id: RepositoryPlace, manifest: GitManifest): Promise<ManifestBytes<GitManifest> | undefined> {
    const table = tableOf(manifest.refs);
    if (table === undefined) return undefined;
    const copies = await this.segments.write(id, table, manifest.generation);
    if (copies.size === 0) return undefined;
    const { segments, refs, peeled } = table.withCopies(copies);
    for (const lazy of segments) this.segments.note(id, lazy);
    return encoded({ ...manifest, refs, peeled });
  }

  remembered(id: RepositoryPlace, manifest: GitManifest): number {
    return this.shared.take(id, manifest);
  }

  forgotten(id: RepositoryPlace, manifest: GitManifest): number {
    return this.shared.give(id, manifest);
  }

  private openTable(
    id: RepositoryPlace,
    { format, segments: summaries, overlay, size }: StoredRefs,
  ): RefTable {
    const segments = summaries.map((summary) => {
      const lazy = this.shared.segment(id, summary) ?? new LazySegment(summary);
      this.segments.note(id, lazy);
      return lazy;
    });
    return new RefTable(format, { segments, overlay, size }, (missing) =>
      this.segments.load(id, missing, format),
    );
  }
}

function encoded(manifest: GitManifest): ManifestBytes<GitManifest> {
  return { manifest, bytes: encodeManifest(manifest) };
}

function withFewNames(cause: GitCause): GitCause {
  return cause.refs.length <= MOST_NAMED ? cause : { ...cause, refs: cause.refs.slice(0, MOST_NAMED) };
}
