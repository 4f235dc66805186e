import { CairnError, publicError } from '../../lib/errors.ts';
import { formatSize } from '../../lib/format-size.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { Watchdog } from '../../outbound/waiting-times.ts';

/** Characters of messages in all, as over other connections. */
const MOST_TEXT = 64 * 2 ** 20;

/**
 * Bounds a program that talks to a remote by itself: how long nothing may move, and how much it may say. Its own time-outs and limits, if
 * it has any, are for others to choose.
 */
export class Patience {
  /** Aborted with an error when it is used up, and with the one that was given. */
  readonly signal: AbortSignal;
  private readonly shown: string;
  private readonly over = new AbortController();
  private readonly silence: Watchdog;
  private text = 0;
  private size = 0;

  /** @param shown the remote, for people @param milliseconds for which nothing may move */
  constructor(shown: string, milliseconds: number, signal: AbortSignal) {
    this.shown = shown;
    this.signal = AbortSignal.any([signal, this.over.signal]);
    this.silence = new Watchdog(
      milliseconds,
      () => false,
      (seconds) =>
        this.fail(
          new RemoteError('unavailable', `${shown}: nothing has moved for ${seconds} s`, { brokenOff: true }),
        ),
    );
  }

  moved(): void {
    this.silence.moved();
  }

  /** It has said something. @param characters how much */
  said(characters: number): void {
    this.text += characters;
    if (this.text > MOST_TEXT)
      this.fail(new CairnError('too-large', `${this.shown} says more than ${formatSize(MOST_TEXT)} of text`));
    this.moved();
  }

  /** @param size bytes that it has written so far */
  grown(size: number): void {
    if (size > this.size) this.moved();
    this.size = size;
  }

  fail(error: Error): void {
    this.over.abort(error);
  }

  /** It has ended. */
  end(): void {
    this.silence.stop();
  }
}

/** @param left bytes that are left to others */
export function diskNearlyFull(left: number): CairnError {
  const text = `the disk of the folder for temporary files has less than ${formatSize(left)} left (TMPDIR)`;
  return publicError('unavailable', text);
}
