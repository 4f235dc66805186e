import { type LazySegment, type SegmentSummary, tableOf } from '../../git/index.ts';
import { repositoryPrefix } from '../keys.ts';
import type { RepositoryPlace } from '../repository-id.ts';
import type { GitManifest } from './git-manifest.ts';

interface SharedSegment {
  readonly lazy: LazySegment;
  users: number;
}

/** The ref segments of remembered manifests, each once: a segment that was loaded for one manifest is loaded for all. */
export class SharedSegments {
  private readonly segments = new Map<string, SharedSegment>();

  /** The ref segment that a remembered manifest of the repository names. */
  segment(id: RepositoryPlace, summary: SegmentSummary): LazySegment | undefined {
    return this.segments.get(segmentName(repositoryPrefix(id), summary))?.lazy;
  }

  /** @returns bytes of the segments that no manifest named before */
  take(id: RepositoryPlace, manifest: GitManifest): number {
    const segments = segmentsOf(manifest);
    if (segments.length === 0) return 0;
    const place = repositoryPrefix(id);
    let bytes = 0;
    for (const lazy of segments) {
      const name = segmentName(place, lazy.summary);
      const shared = this.segments.get(name);
      if (shared !== undefined) shared.users++;
      else {
        this.segments.set(name, { lazy, users: 1 });
        bytes += lazy.summary.size;
      }
    }
    return bytes;
  }

  /** @returns bytes of the segments that no manifest names any more */
  give(id: RepositoryPlace, manifest: GitManifest): number {
    const segments = segmentsOf(manifest);
    if (segments.length === 0) return 0;
    const place = repositoryPrefix(id);
    let bytes = 0;
    for (const lazy of segments) {
      const name = segmentName(place, lazy.summary);
      const shared = this.segments.get(name);
      if (shared === undefined || --shared.users > 0) continue;
      this.segments.delete(name);
      bytes += lazy.summary.size;
    }
    return bytes;
  }
}

function segmentsOf(manifest: GitManifest): readonly LazySegment[] {
  return tableOf(manifest.refs)?.segments ?? [];
}

function segmentName(place: string, { digest, n }: SegmentSummary): string {
  return `${place}${digest}-${n ?? 0}`;
}
