import { CairnError } from '../lib/errors.ts';

/** An error that ends the program with a code of its own. */
export class ExitError extends CairnError {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super('invalid', message);
    this.exitCode = exitCode;
  }
}
