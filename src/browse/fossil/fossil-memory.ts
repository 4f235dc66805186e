import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { CheckInFile } from '../../fossil/check-in-manifest.ts';
import { LruMap } from '../../lib/lru.ts';
import { TimelineState } from './timeline-state.ts';

/** What a list of check-ins shows of one. */
export interface CheckInFacts {
  readonly name: ArtifactName;
  readonly comment: string;
  readonly user: string;
  /** Seconds since the epoch; undefined if the date is invalid. */
  readonly time: number | undefined;
  readonly parents: readonly ArtifactName[];
  /** The branch that it begins. */
  readonly branch: string | undefined;
  /** Other names that it gives to itself. */
  readonly tags: readonly string[];
}

const MEBIBYTE = 1024 * 1024;
/** Bytes that a map needs for a file beside its name. */
const PER_FILE = 200;
/** Bytes of facts beside their texts, and of a name or the frame of a text. */
const PER_CHECK_IN = 400;
const PER_TEXT = 80;

/** Parsed check-ins of all repositories. Artifacts never change, so nothing here is ever out of date. */
export class FossilMemory {
  private readonly facts = new LruMap<string, CheckInFacts>(48 * MEBIBYTE);
  private readonly files = new LruMap<string, ReadonlyMap<string, CheckInFile>>(64 * MEBIBYTE);
  private readonly timelines = new LruMap<string, TimelineState>(16);

  /** @param repository names it */
  factsOf(repository: string, name: ArtifactName): CheckInFacts | undefined {
    return this.facts.get(`${repository} ${name}`);
  }

  rememberFacts(repository: string, facts: CheckInFacts): void {
    const { name, comment, user, parents, branch = '', tags } = facts;
    const texts = [comment, user, branch, ...tags];
    const characters = texts.reduce((sum, text) => sum + text.length, 0);
    const weight = PER_CHECK_IN + 2 * characters + PER_TEXT * (parents.length + tags.length);
    this.facts.set(`${repository} ${name}`, facts, weight);
  }

  filesOf(repository: string, name: ArtifactName): ReadonlyMap<string, CheckInFile> | undefined {
    return this.files.get(`${repository} ${name}`);
  }

  rememberFiles(repository: string, name: ArtifactName, files: ReadonlyMap<string, CheckInFile>): void {
    let weight = PER_FILE;
    for (const [path, { oldName = '' }] of files) weight += PER_FILE + 2 * (path.length + oldName.length);
    this.files.set(`${repository} ${name}`, files, weight);
  }

  /** How far the timeline of a published state has been walked. @param state names the repository and the state */
  timelineOf(state: string): TimelineState {
    const known = this.timelines.get(state);
    if (known !== undefined) return known;
    const timeline = new TimelineState();
    this.timelines.set(state, timeline, 1);
    return timeline;
  }
}
