import { CairnError } from '../lib/errors.ts';

/** Bytes that are no message of Fossil's sync protocol, or more than a limit allows. */
export class FossilSyntaxError extends CairnError {
  /** The first word of the line at fault; undefined when the message cannot be read as lines at all. */
  readonly card: string | undefined;
  /** Number of the line at fault, from 1. Payloads are not counted. */
  readonly line: number | undefined;

  /**
   * @param kind `too-large` when a limit is exceeded
   * @param problem what is wrong, as a person should read it
   */
  constructor(kind: 'invalid' | 'too-large', problem: string, place?: { card: string; line: number }) {
    super(kind, place === undefined ? problem : `${place.card} card in line ${place.line}: ${problem}`);
    this.card = place?.card;
    this.line = place?.line;
  }
}
