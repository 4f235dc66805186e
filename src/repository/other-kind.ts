import { CairnError } from '../lib/errors.ts';

/** A repository is of another kind than its reader or writer works with. */
export class OtherKindError extends CairnError {
  /** The name of the kind, as the manifest states it. */
  readonly found: string;

  /** @param expected the name of the kind that was asked for */
  constructor(found: string, expected: string) {
    super('not-found', `this is a repository of ${found}, not of ${expected}`);
    this.found = found;
  }
}
