import { type SegmentSlot, type SegmentSummary, tableOf } from '../../git/index.ts';
import { repositoryPrefix } from '../keys.ts';
import type { RepositoryPlace } from '../repository-id.ts';
import type { GitManifest } from './git-manifest.ts';

interface SharedSlot {
  readonly slot: SegmentSlot;
  users: number;
}

/** The ref segments of remembered manifests, each once: a segment that was loaded for one manifest is loaded for all. */
export class SharedSegments {
  private readonly slots = new Map<string, SharedSlot>();
  private readonly names = new WeakMap<SegmentSlot, string>();

  /** The slot of a ref segment that a remembered manifest of the repository names. */
  slot(id: RepositoryPlace, summary: SegmentSummary): SegmentSlot | undefined {
    return this.slots.get(slotName(repositoryPrefix(id), summary))?.slot;
  }

  /** @returns bytes of the segments that no manifest named before */
  take(id: RepositoryPlace, manifest: GitManifest): number {
    const slots = slotsOf(manifest);
    if (slots.length === 0) return 0;
    const place = repositoryPrefix(id);
    let bytes = 0;
    for (const slot of slots) {
      const name = slotName(place, slot.summary);
      this.names.set(slot, name);
      const shared = this.slots.get(name);
      if (shared !== undefined) shared.users++;
      else {
        this.slots.set(name, { slot, users: 1 });
        bytes += slot.summary.size;
      }
    }
    return bytes;
  }

  /** @returns bytes of the segments that no manifest names any more */
  give(manifest: GitManifest): number {
    let bytes = 0;
    for (const slot of slotsOf(manifest)) {
      const name = this.names.get(slot) ?? '';
      const shared = this.slots.get(name);
      if (shared === undefined || --shared.users > 0) continue;
      this.slots.delete(name);
      bytes += slot.summary.size;
    }
    return bytes;
  }
}

function slotsOf(manifest: GitManifest): readonly SegmentSlot[] {
  return tableOf(manifest.refs)?.slots ?? [];
}

function slotName(place: string, { digest, n }: SegmentSummary): string {
  return `${place}${digest}-${n ?? 0}`;
}
