import type { RoundEnd, SyncOperation } from '../observer.ts';

/** What a session has done so far, and what of it in the round under way. */
export class Counters {
  rounds = 0;
  filesSent = 0;
  filesReceived = 0;
  unversionedSent = 0;
  unversionedReceived = 0;
  private before: Omit<RoundEnd, 'operation' | 'round'> = NOTHING;

  /** Begins a round. */
  begin(bytesSent: number, bytesReceived: number): void {
    this.rounds++;
    const { filesSent, filesReceived } = this;
    this.before = { ...NOTHING, filesSent, filesReceived, bytesSent, bytesReceived };
  }

  /**
   * What the round has done.
   * @param now what is known only at its end
   */
  end(
    operation: SyncOperation,
    now: Pick<RoundEnd, 'gimmesSent' | 'igotsSent' | 'bytesSent' | 'bytesReceived'>,
  ): RoundEnd {
    return {
      operation,
      round: this.rounds,
      filesSent: this.filesSent - this.before.filesSent,
      filesReceived: this.filesReceived - this.before.filesReceived,
      gimmesSent: now.gimmesSent,
      igotsSent: now.igotsSent,
      bytesSent: now.bytesSent - this.before.bytesSent,
      bytesReceived: now.bytesReceived - this.before.bytesReceived,
    };
  }
}

const NOTHING = {
  filesSent: 0,
  filesReceived: 0,
  gimmesSent: 0,
  igotsSent: 0,
  bytesSent: 0,
  bytesReceived: 0,
};
