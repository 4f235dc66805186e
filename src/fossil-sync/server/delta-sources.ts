import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { parseCheckIn } from '../../fossil/check-in.ts';
import { filesOfCheckIn } from '../../fossil/check-in-files.ts';
import { Yielder } from '../../lib/cooperative.ts';
import { type Round, visibleEntry } from './round.ts';

/**
 * What an artifact was changed from, so that a client that has the version before needs only the difference: a check-in from
 * its parent, a file from the file of the same name in the parent of a check-in that is asked for as well.
 */
export class DeltaSources {
  private readonly round: Round;
  private files: Promise<ReadonlyMap<ArtifactName, ArtifactName>> | undefined;

  constructor(round: Round) {
    this.round = round;
  }

  /** @returns undefined if nothing is known, or if the client is not likely to have it */
  async of(name: ArtifactName, content: Uint8Array): Promise<ArtifactName | undefined> {
    const entry = this.round.bag.find(name);
    if (entry?.isCheckIn === true) return parseCheckIn(content)?.parents[0];
    this.files ??= this.changedFiles();
    return (await this.files).get(name);
  }

  /** Files that the check-ins changed, each with the version before. */
  private async changedFiles(): Promise<ReadonlyMap<ArtifactName, ArtifactName>> {
    const changed = new Map<ArtifactName, ArtifactName>();
    for (const name of await this.checkIns()) {
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

  /** The first check-ins among what the request asks for. A request may ask for a million artifacts. */
  private async checkIns(): Promise<readonly ArtifactName[]> {
    const { deltaCheckIns, deltaBytes } = this.round.context.limits;
    const found: ArtifactName[] = [];
    const yielder = new Yielder();
    for (const { name, isCheckIn, size } of this.round.request.gimmes.entries()) {
      if (found.length >= deltaCheckIns) break;
      if (yielder.isDueByNow) await yielder.next();
      if (isCheckIn && size <= deltaBytes && visibleEntry(this.round, name) !== undefined) found.push(name);
    }
    return found;
  }
}
