import type { ArtifactName } from '../../fossil/artifact-name.ts';

/** A check-in that is to be listed, or walked over. */
export interface WaitingCheckIn {
  readonly name: ArtifactName;
  /** Seconds since the epoch; 0 if the date is invalid. */
  readonly time: number;
  readonly parents: readonly ArtifactName[];
  readonly isPrivate: boolean;
}

/** How far the timeline of one published state has been walked. */
export class TimelineState {
  readonly listed: ArtifactName[] = [];
  readonly seen = new Set<ArtifactName>();
  /** The newest one last; undefined before the walk has begun. */
  waiting: WaitingCheckIn[] | undefined;
  /** The walk that is under way, or was last. */
  walking: Promise<unknown> = Promise.resolve();
}
