import { CairnError } from '../../lib/errors.ts';
import { Flow } from '../flow.ts';
import type { Output } from '../output.ts';
import type { Spool, SpoolRoom } from '../spool.ts';

export interface PatientOutputOptions {
  readonly output: Output;
  readonly room: SpoolRoom;
  /** Whose share of the room it takes. */
  readonly caller: string;
  /** True while others wait for a place. */
  readonly contended: () => boolean;
}

/**
 * An output that takes what git writes as fast as it comes, also where the client reads slowly (see {@link Flow}): from then
 * on the answer is put aside, and sent on while git goes on, and after it has ended and given its place back.
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

  /** @throws CairnError `busy` when the client reads slowly and there is no room to put its answer aside */
  async write(chunk: Uint8Array): Promise<boolean> {
    if (this.gone) return false;
    if (this.spool !== undefined) return this.putAside(this.spool, chunk);
    const writing = this.options.output.write(chunk);
    const written = await this.flow.wait(writing, () => chunk.length);
    if (written !== 'slow') return written.value;
    this.spool = this.options.room.open(this.options.caller);
    this.sending = this.send(writing, this.spool);
    // What goes wrong is told by finish.
    this.sending.catch(() => undefined);
    return true;
  }

  /** Waits until all has been sent, where something was put aside. @throws what writing to the client threw */
  async finish(): Promise<void> {
    this.spool?.end();
    try {
      await this.sending;
    } finally {
      await this.spool?.drop();
    }
  }

  /** Drops what is put aside. To be called when the answer is not to be finished. */
  async abandon(): Promise<void> {
    this.gone = true;
    await this.spool?.drop();
    await this.sending.catch(() => false);
  }

  private async putAside(spool: Spool, chunk: Uint8Array): Promise<boolean> {
    if (await spool.append(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))) return !this.gone;
    if (this.gone) return false;
    throw new CairnError('busy', 'the answer is read so slowly that there is no room to keep the rest of it');
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
