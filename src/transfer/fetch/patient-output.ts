import { CairnError } from '../../lib/errors.ts';
import { Flow } from '../flow.ts';
import type { Output } from '../output.ts';
import type { Spool, SpoolRoom } from '../spool.ts';

export interface PatientOutputOptions {
  readonly output: Output;
  readonly room: SpoolRoom;
  /** The caller whose share of the room it uses. */
  readonly caller: string;
  /** True while other requests wait for a slot. */
  readonly contended: () => boolean;
}

/**
 * An output that does not hold up git if the client reads slowly (see {@link Flow}). Once the client is slow, the response is
 * spooled: git goes on at full speed, ends, and gives its slot back, while the spool is sent to the client.
 */
export class PatientOutput implements Output {
  private readonly options: PatientOutputOptions;
  private readonly flow: Flow;
  private spool: Spool | undefined;
  private sending: Promise<boolean> = Promise.resolve(true);
  private gone = false;

  constructor(options: PatientOutputOptions) {
    this.options = options;
    this.flow = new Flow(options.contended, options.room.clock);
  }

  /** @throws CairnError `busy` if the client reads slowly and there is no room to spool its response */
  async write(chunk: Uint8Array): Promise<boolean> {
    if (this.gone) return false;
    if (this.spool !== undefined) return this.append(this.spool, chunk);
    const writing = this.options.output.write(chunk);
    const written = await this.flow.wait(writing, () => chunk.length);
    if (written !== 'slow') return written.value;
    this.spool = this.options.room.open(this.options.caller);
    this.sending = this.send(writing, this.spool);
    // `finish` reports errors.
    this.sending.catch(() => undefined);
    return true;
  }

  /** Waits until everything spooled has been sent. @throws what writing to the client threw */
  async finish(): Promise<void> {
    this.spool?.end();
    try {
      await this.sending;
    } finally {
      await this.spool?.drop();
    }
  }

  /** Drops the spool. Call it if the response will not be finished. */
  async abandon(): Promise<void> {
    this.gone = true;
    await this.spool?.drop();
    await this.sending.catch(() => false);
  }

  private async append(spool: Spool, chunk: Uint8Array): Promise<boolean> {
    if (await spool.append(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))) return !this.gone;
    if (this.gone) return false;
    throw new CairnError('busy', 'the response is read too slowly, and there is no space to keep the rest');
  }

  private async send(first: Promise<boolean>, spool: Spool): Promise<boolean> {
    try {
      if (await first) {
        for await (const chunk of spool.read()) {
          if (!(await this.options.output.write(chunk))) break;
          if (this.gone) break;
        }
      }
    } finally {
      this.gone = true;
    }
    return true;
  }
}
