import type { Clock } from '../../lib/clock.ts';
import { roundedSize } from '../../lib/format-size.ts';
import type { MirrorObserver, Phase, Side } from '../../mirror/observer.ts';
import { RemoteMessages } from '../../mirror/remote/remote-messages.ts';
import { saferText } from '../../outbound/safer-text.ts';
import { printable } from '../printable.ts';

/** Where progress is shown: standard error. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const WORDS: Readonly<Record<Phase, string>> = {
  listing: 'listing refs',
  ancestry: 'comparing histories',
  counting: 'waiting for the source to select objects',
  relaying: 'relaying',
  waiting: 'waiting for the target',
  local: 'working in a scratch repository',
};

/** The line is drawn anew after this time. */
const REDRAW_MS = 200;
/** The rate is that of the last two seconds. */
const WINDOW_MS = 2_000;
const CLEAR_LINE = '\r\u001b[K';

/** Shows on a terminal what a run is doing: one line that is drawn again, and notices above it. */
export class MirrorProgress implements MirrorObserver, Disposable {
  private readonly output: ProgressOutput;
  private readonly clock: Clock;
  private readonly isShown: boolean;
  private current = '';
  private isRelaying = false;
  private detail = '';
  private bytes = 0;
  private samples: { readonly at: number; readonly bytes: number }[] = [];
  /** The last line that a remote sent, without its line end. */
  private said = '';
  /** What the target has told people. */
  readonly targetMessages = new RemoteMessages();
  private readonly timer: NodeJS.Timeout | undefined;

  /** @param options `isShown`: false prints notices only */
  constructor(output: ProgressOutput, clock: Clock, { isShown }: { readonly isShown: boolean }) {
    this.output = output;
    this.clock = clock;
    this.isShown = isShown && output.isTTY === true;
    this.timer = this.isShown ? setInterval(() => this.draw(), REDRAW_MS).unref() : undefined;
  }

  phase(phase: Phase, detail = ''): void {
    this.current = WORDS[phase];
    this.isRelaying = phase === 'relaying';
    this.detail = detail;
    this.said = '';
    if (phase === 'counting') {
      this.bytes = 0;
      this.samples = [];
    }
    this.draw();
  }

  relayed(bytes: number): void {
    this.bytes += bytes;
  }

  message(side: Side, text: string): void {
    if (side === 'target') this.targetMessages.add(text);
    // A part that ends in a carriage return is replaced by the next one.
    const last = text
      .split(/[\r\n]+/)
      .filter((line) => line.trim() !== '')
      .at(-1);
    if (last !== undefined) this.said = `${side}: ${saferText(last)}`;
  }

  notice(text: string): void {
    this.output.write(`${this.isShown ? CLEAR_LINE : ''}${printable(text)}\n`);
    this.draw();
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
    if (this.isShown) this.output.write(CLEAR_LINE);
  }

  private draw(): void {
    if (!this.isShown || this.current === '') return;
    const width = (this.output.columns ?? 80) - 1;
    this.output.write(`${CLEAR_LINE}${this.line().slice(0, width)}`);
  }

  private line(): string {
    const detail = this.detail === '' ? '' : ` (${this.detail})`;
    const amount = this.bytes === 0 ? '' : ` ${roundedSize(this.bytes)}${this.isRelaying ? this.rate() : ''}`;
    const said = this.said === '' ? '' : ` | ${this.said}`;
    return `${this.current}${detail}${amount}${said}`;
  }

  private rate(): string {
    const now = this.clock.monotonic();
    this.samples.push({ at: now, bytes: this.bytes });
    while ((this.samples[0]?.at ?? now) < now - WINDOW_MS) this.samples.shift();
    const [first] = this.samples;
    if (first === undefined || now - first.at < REDRAW_MS) return '';
    return `, ${roundedSize(((this.bytes - first.bytes) * 1000) / (now - first.at))}/s`;
  }
}
