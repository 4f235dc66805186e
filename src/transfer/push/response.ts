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

/** Interval of keep-alive packets while a client waits. */
const KEEP_ALIVE_MS = 5_000;

/**
 * The response to a push in the form that the client negotiated: progress on band 2, the report on band 1, fatal errors on
 * band 3; without a side-band only the report.
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

  /** Starts keep-alives. Call it once the client has sent everything. */
  startKeepAlive(): void {
    if (this.sideband && this.timer === undefined) {
      this.timer = setInterval(() => this.write([keepAlive]), KEEP_ALIVE_MS);
    }
  }

  /** Sends a progress message, unless the client asked for `quiet`. */
  progress(text: string | Uint8Array): void {
    if (this.sideband && !this.capabilities.has('quiet')) this.write(encodeSideband(2, text, largeSideband));
  }

  /** Sends a message, even if the client asked for `quiet`. */
  notice(text: string): void {
    if (this.sideband) this.write(encodeSideband(2, text, largeSideband));
  }

  /** Ends the response with the report. */
  async report(report: StatusReport): Promise<void> {
    const bytes = await cooperate(encodeReport(report, this.capabilities));
    await this.end(this.sideband ? [...encodeSideband(1, bytes, largeSideband), flushPacket] : [bytes]);
  }

  /** Ends the response without a report: the client shows the reason, and learns nothing about the refs. */
  async fatal(reason: string): Promise<void> {
    if (this.sideband) await this.end([...encodeSideband(3, `${reason}\n`, largeSideband)]);
    else await this.end([]);
  }

  /** Stops keep-alives and waits for pending writes. Call it in any case. */
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
    // A write fails only if the client has gone. The push and its clean-up go on.
    this.writing = this.writing.then(() => this.output.write(bytes)).catch(() => false);
  }
}
