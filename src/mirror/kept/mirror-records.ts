/** Reads and changes the records of mirrors. */

import {
  type KeptMirror,
  type MirrorRecordsContext,
  type MirrorsRecord,
  mirrorsRecord,
} from '../../repository/records/mirrors-record.ts';
import { readRecord, updateRecord } from '../../repository/records/shared-record.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';

export class MirrorRecords {
  private readonly context: MirrorRecordsContext;

  constructor(context: MirrorRecordsContext) {
    this.context = context;
  }

  /**
   * All mirrors of a repository, by name, those that are being removed among them.
   * @throws CairnError `unavailable`, `corrupt`
   */
  async read(id: RepositoryId): Promise<readonly KeptMirror[]> {
    const reading = await readRecord(mirrorsRecord(this.context, id));
    return reading.is === 'found' ? reading.record.mirrors : [];
  }

  /**
   * Changes the mirrors of a repository by compare-and-swap.
   * @param change returns all mirrors as they are to be, or undefined when nothing is to change. Called again for each
   * record found; its exceptions end the attempt
   * @returns the mirrors as they are now
   */
  async change(
    id: RepositoryId,
    change: (mirrors: readonly KeptMirror[]) => readonly KeptMirror[] | undefined,
  ): Promise<readonly KeptMirror[]> {
    const record = await updateRecord(mirrorsRecord(this.context, id), (current) => {
      const wanted = change(current?.mirrors ?? []);
      if (wanted === undefined) return undefined;
      const mirrors = [...wanted].sort((a, b) => (a.name < b.name ? -1 : 1));
      return { mirrors } satisfies Pick<MirrorsRecord, 'mirrors'>;
    });
    return record?.mirrors ?? [];
  }

  /**
   * Changes one mirror, if it is still there.
   * @param mirror its id
   * @returns the mirror as it is now; undefined when it is not there
   */
  async changeOne(
    id: RepositoryId,
    mirror: string,
    change: (mirror: KeptMirror) => KeptMirror | undefined,
  ): Promise<KeptMirror | undefined> {
    const mirrors = await this.change(id, (current) => {
      const found = current.find((one) => one.id === mirror);
      const changed = found === undefined ? undefined : change(found);
      if (changed === undefined) return undefined;
      return current.map((one) => (one.id === mirror ? changed : one));
    });
    return mirrors.find((one) => one.id === mirror);
  }

  /** Removes a mirror from the record. @param mirror its id */
  async removeOne(id: RepositoryId, mirror: string): Promise<void> {
    await this.change(id, (current) => {
      const left = current.filter((one) => one.id !== mirror);
      return left.length === current.length ? undefined : left;
    });
  }
}
