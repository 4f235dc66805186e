import {
  type Capabilities,
  encodeReport,
  encodeSideband,
  flushPacket,
  keepAlive,
  largeSideband,
  type StatusReport,
} from '../../git/index.ts';
import { cooperate } from '../../lib/cooperative.ts';
import type { Output } from '../output.ts';

/** Silence after which a waiting client is shown that somebody is still there. */
const KEEP_ALIVE_MS = 5_000;

/**
 * The answer to a push, in the form its client can show: progress on band 2, the report on band 1, what is
 * fatal on band 3; only the bare report when no side-band was agreed.
 */
export class PushResponse {
  private readonly output: Output;
  private readonly capabilities: Capabilities;
  private readonly sideband: boolean;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(output: Output, capabilities: Capabilities) {
    this.output = output;
    this.capabilities = capabilities;
    this.sideband = capabilities.has('side-band-64k');
  }

  /** To be called once the client has sent everything: from then on silence is broken by keep-alives. */
  startKeepAlive(): void {
    if (this.sideband && this.timer === undefined) {
      this.timer = setInterval(() => this.write([keepAlive]), KEEP_ALIVE_MS);
    }
  }

  /** Shows the user a text, unless the client asked for quiet. */
  progress(text: string | Uint8Array): void {
    if (this.sideband && !this.capabilities.has('quiet')) this.write(encodeSideband(2, text, largeSideband));
  }

  /** Shows the user a text that even one who asked for quiet has to see. */
  notice(text: string): void {
    if (this.sideband) this.write(encodeSideband(2, text, largeSideband));
  }

  /** Ends the answer with the report. */
  async report(report: StatusReport): Promise<void> {
    const bytes = await cooperate(encodeReport(report, this.capabilities));
    await this.end(this.sideband ? [...encodeSideband(1, bytes, largeSideband), flushPacket] : [bytes]);
  }

  /** Ends the answer without a report: the client shows the reason and knows nothing of the refs. */
  async fatal(reason: string): Promise<void> {
    if (this.sideband) await this.end([...encodeSideband(3, `${reason}\n`, largeSideband)]);
    else await this.end([]);
  }

  /** Stops keep-alives and waits for what is being written. To be called in any case. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.writing;
  }

  private async end(chunks: readonly Uint8Array[]): Promise<void> {
    clearInterval(this.timer);
    this.write(chunks);
    await this.writing;
  }

  private write(chunks: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(chunks);
    if (bytes.length === 0) return;
    // What cannot be written has no reader: the push ends as it ends, and its cleaning up must not be missed.
    this.writing = this.writing.then(() => this.output.write(bytes)).catch(() => false);
  }
}
