/**
 * A fetch that git cannot answer within its memory is tried once more in a way that takes less: without looking for differences.
 * For a thin pack `pack-objects` holds up to 256 folders of what the client has, to find what new files differ from; where those
 * have very long lists, that alone is more than it may have, although a clone of the same repository fits.
 */
import type { Git } from '../../git-process/git.ts';
import { saysThatMemoryIsShort } from '../../git-process/result.ts';
import type { Output } from '../output.ts';
import { RequestBody } from '../request-body.ts';
import { runUploadPack, type UploadPackEnd, type UploadPackRun } from './upload-pack.ts';

/**
 * Runs `git upload-pack`, and again if it ran out of memory before it sent anything of the pack.
 * @param request the whole request
 * @throws as {@link runUploadPack}
 */
export async function runFittingUploadPack(
  git: Git,
  run: Omit<UploadPackRun, 'body'>,
  request: readonly Buffer[],
): Promise<UploadPackEnd> {
  const body = () => new RequestBody(fromMemory(request));
  const first = new FirstAnswer(run.output);
  const ended = await runUploadPack(git, { ...run, body: body(), output: first });
  if (!first.lacksMemory) {
    await first.sendRest();
    return ended;
  }
  const output = new SecondAnswer(run.output, first.sent);
  return runUploadPack(git, { ...run, body: body(), output, sparing: true });
}

async function* fromMemory(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  yield* chunks;
}

const HEADER = 4;
/** A packet of side-band 1 with nothing in it, which git sends so that the connection is not idle. */
const EMPTY_BAND = HEADER + 1;

/** The packets of a response, one after another, until something is no packet. */
class Packets {
  private rest: Buffer = Buffer.alloc(0);

  /** The complete packets in what has come, and what is no packet: that follows in one piece. */
  *take(chunk: Uint8Array): Generator<{ readonly packet: Buffer; readonly band: number | undefined }> {
    this.rest = Buffer.concat([this.rest, chunk]);
    while (this.rest.length >= HEADER) {
      const digits = this.rest.toString('latin1', 0, HEADER);
      const isPacket = /^[0-9a-fA-F]{4}$/.test(digits);
      const length = isPacket ? Math.max(HEADER, Number.parseInt(digits, 16)) : this.rest.length;
      if (this.rest.length < length) return;
      const packet = this.rest.subarray(0, length);
      this.rest = this.rest.subarray(length);
      yield { packet, band: isPacket && length > HEADER ? packet[HEADER] : isPacket ? undefined : 1 };
    }
  }

  /** What is no whole packet yet. */
  takeRest(): Buffer {
    const { rest } = this;
    this.rest = Buffer.alloc(0);
    return rest;
  }
}

/** Passes a response on, except for the words that git has no memory, while nothing of the pack has been sent. */
class FirstAnswer implements Output {
  /** Packets before the side-band that were sent. */
  sent = 0;
  private readonly output: Output;
  private readonly packets = new Packets();
  private packBegan = false;
  private held: Buffer[] = [];
  private memoryIsShort = false;

  constructor(output: Output) {
    this.output = output;
  }

  /** True if git ran out of memory, and the client has heard nothing of that, nor got anything of a pack. */
  get lacksMemory(): boolean {
    return this.memoryIsShort && !this.packBegan;
  }

  async write(chunk: Uint8Array): Promise<boolean> {
    if (this.packBegan) return this.output.write(chunk);
    const passed: Buffer[] = [];
    for (const { packet, band } of this.packets.take(chunk)) {
      if (band === 1 && packet.length > EMPTY_BAND) this.packBegan = true;
      if (band === 2 && saysThatMemoryIsShort(packet.toString('latin1'))) this.memoryIsShort = true;
      if (this.memoryIsShort && !this.packBegan) this.held.push(packet);
      else passed.push(packet);
      if (!isBand(band) && !this.memoryIsShort) this.sent++;
    }
    if (this.packBegan) passed.push(...this.takeHeld(), this.packets.takeRest());
    return passed.length === 0 || this.output.write(Buffer.concat(passed));
  }

  /** Sends what was held back. */
  async sendRest(): Promise<void> {
    const rest = Buffer.concat([...this.takeHeld(), this.packets.takeRest()]);
    if (rest.length > 0) await this.output.write(rest);
  }

  private takeHeld(): Buffer[] {
    const { held } = this;
    this.held = [];
    return held;
  }
}

/** Passes a response on without the packets that the client has already. */
class SecondAnswer implements Output {
  private readonly output: Output;
  private readonly packets = new Packets();
  private skipped: number;

  /** @param skipped how many packets before the side-band the client has */
  constructor(output: Output, skipped: number) {
    this.output = output;
    this.skipped = skipped;
  }

  async write(chunk: Uint8Array): Promise<boolean> {
    if (this.skipped === 0) return this.output.write(chunk);
    const passed: Buffer[] = [];
    for (const { packet, band } of this.packets.take(chunk)) {
      if (this.skipped > 0 && !isBand(band)) this.skipped--;
      else passed.push(packet);
    }
    if (this.skipped === 0) passed.push(this.packets.takeRest());
    return passed.length === 0 || this.output.write(Buffer.concat(passed));
  }
}

/** Texts of the protocol do not begin with such a byte. */
function isBand(band: number | undefined): boolean {
  return band !== undefined && band >= 1 && band <= 3;
}
