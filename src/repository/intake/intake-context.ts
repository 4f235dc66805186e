import type { Git } from '../../git-process/git.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ArtifactStore } from '../artifact-store.ts';
import type { ArtifactCache } from '../cache/artifact-cache.ts';
import type { PackLimits } from './bounds/pack-bounds.ts';
import type { HeightMemory } from './heights/height-memory.ts';

/** The dependencies for accepting packs, from any source. */
export interface IntakeContext {
  readonly git: Git;
  readonly artifacts: ArtifactStore;
  readonly cache: ArtifactCache;
  readonly clock: Clock;
  /** Folder for quarantines, on the file system of the artifact cache. */
  readonly scratch: string;
  readonly limits: PackLimits;
  /** What is known of how deep trees are, of all repositories. */
  readonly heights: HeightMemory;
}
