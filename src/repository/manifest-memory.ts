import { type SegmentSlot, type SegmentSummary, tableOf } from '../git/index.ts';
import type { Digest } from '../lib/digest.ts';
import type { GitManifest } from './git/git-manifest.ts';

interface Remembered {
  readonly manifest: GitManifest;
  /** Bytes of the manifest itself. */
  readonly size: number;
}

interface SharedSlot {
  readonly slot: SegmentSlot;
  users: number;
}

/**
 * The manifests used last, within a budget of bytes. Segments of refs count once, however many manifests name them: what one
 * has loaded is there for all.
 */
export class ManifestMemory {
  private readonly budget: number;
  private readonly manifests = new Map<Digest, Remembered>();
  private readonly slots = new Map<string, SharedSlot>();
  private readonly names = new WeakMap<SegmentSlot, string>();
  private total = 0;

  constructor(budget: number) {
    this.budget = budget;
  }

  get(digest: Digest): GitManifest | undefined {
    const known = this.manifests.get(digest);
    if (known === undefined) return undefined;
    this.manifests.delete(digest);
    this.manifests.set(digest, known);
    return known.manifest;
  }

  /** The slot of a segment that some remembered manifest of a repository names. @param place of the repository */
  slot(place: string, summary: SegmentSummary): SegmentSlot | undefined {
    return this.slots.get(slotName(place, summary))?.slot;
  }

  /** @param place of the repository that the manifest is of */
  set(digest: Digest, manifest: GitManifest, size: number, place: string): void {
    if (this.get(digest) !== undefined) return;
    this.manifests.set(digest, { manifest, size });
    this.total += size;
    for (const slot of slotsOf(manifest)) this.take(slotName(place, slot.summary), slot);
    for (const [oldest, known] of this.manifests) {
      if (this.total <= this.budget || oldest === digest) return;
      this.manifests.delete(oldest);
      this.total -= known.size;
      for (const slot of slotsOf(known.manifest)) this.give(slot);
    }
  }

  private take(name: string, slot: SegmentSlot): void {
    this.names.set(slot, name);
    const shared = this.slots.get(name);
    if (shared !== undefined) shared.users++;
    else {
      this.slots.set(name, { slot, users: 1 });
      this.total += slot.summary.size;
    }
  }

  private give(slot: SegmentSlot): void {
    const name = this.names.get(slot) ?? '';
    const shared = this.slots.get(name);
    if (shared === undefined || --shared.users > 0) return;
    this.slots.delete(name);
    this.total -= slot.summary.size;
  }
}

function slotsOf(manifest: GitManifest): readonly SegmentSlot[] {
  return tableOf(manifest.refs)?.slots ?? [];
}

function slotName(place: string, { digest, n }: SegmentSummary): string {
  return `${place}${digest}-${n ?? 0}`;
}
