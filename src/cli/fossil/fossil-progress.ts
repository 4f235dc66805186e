import type { RoundEnd } from '../../fossil-sync/observer.ts';
import { roundedSize } from '../../lib/format-size.ts';
import type { ProgressOutput } from '../mirror/mirror-progress.ts';

const CLEAR_LINE = '\r\u001b[K';

/** Shows on a terminal how far an exchange is: one line that each round draws again. */
export class FossilProgress implements Disposable {
  private readonly output: ProgressOutput;
  private readonly isShown: boolean;
  private sent = 0;
  private received = 0;
  private bytes = 0;

  constructor(output: ProgressOutput, isShown: boolean) {
    this.output = output;
    this.isShown = isShown && output.isTTY === true;
  }

  readonly round = ({ round, filesSent, filesReceived, bytesSent, bytesReceived }: RoundEnd): void => {
    this.sent += filesSent;
    this.received += filesReceived;
    this.bytes += bytesSent + bytesReceived;
    if (!this.isShown) return;
    const line = `round ${round}: ${this.received} artifacts received, ${this.sent} sent, ${roundedSize(this.bytes)}`;
    this.output.write(`${CLEAR_LINE}${line.slice(0, (this.output.columns ?? 80) - 1)}`);
  };

  [Symbol.dispose](): void {
    if (this.isShown) this.output.write(CLEAR_LINE);
  }
}
