import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { parseCheckIn } from '../../fossil/check-in.ts';
import { filesOfCheckIn } from '../../fossil/check-in-files.ts';
import type { BagEntry } from '../../repository/fossil/bag.ts';
import { type Round, visibleEntry } from './round.ts';

/**
 * What an artifact was changed from, so that a client that has the version before needs only the difference: a check-in from
 * its parent, a file from the file of the same name in the parent of a check-in that is asked for as well.
 */
export class DeltaSources {
  private readonly round: Round;
  private readonly checkIns: readonly BagEntry[];
  private files: Promise<ReadonlyMap<ArtifactName, ArtifactName>> | undefined;

  /** @param wanted everything that the request asks for */
  constructor(round: Round, wanted: readonly BagEntry[]) {
    this.round = round;
    const { deltaCheckIns, deltaBytes } = round.context.limits;
    this.checkIns = wanted
      .filter(({ isCheckIn, size }) => isCheckIn && size <= deltaBytes)
      .slice(0, deltaCheckIns);
  }

  /** @returns undefined if nothing is known, or if the client is not likely to have it */
  async of(name: ArtifactName, content: Uint8Array): Promise<ArtifactName | undefined> {
    const entry = this.round.bag.find(name);
    if (entry?.isCheckIn === true) return parseCheckIn(content)?.parents[0];
    if (this.checkIns.length === 0) return undefined;
    this.files ??= this.changedFiles();
    return (await this.files).get(name);
  }

  /** Files that the check-ins changed, each with the version before. */
  private async changedFiles(): Promise<ReadonlyMap<ArtifactName, ArtifactName>> {
    const changed = new Map<ArtifactName, ArtifactName>();
    for (const { name } of this.checkIns) {
      if (this.round.reply.isFull) break;
      const checkIn = await this.round.bag.content(name);
      const parent = parseCheckIn(checkIn)?.parents[0];
      const before = parent === undefined ? undefined : visibleEntry(this.round, parent);
      if (before === undefined || before.size > this.round.context.limits.deltaBytes) continue;
      const files = filesOfCheckIn(await this.round.bag.content(before.name));
      for (const [file, content] of filesOfCheckIn(checkIn)) {
        const old = files.get(file);
        if (old !== undefined && old !== content && !changed.has(content)) changed.set(content, old);
      }
    }
    return changed;
  }
}
