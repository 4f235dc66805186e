import { CairnError } from '../../lib/errors.ts';

/** A request has a method that its path does not have. It is answered with 405 (RFC 9110, section 15.5.6). */
export class MethodNotAllowed extends CairnError {
  /** The value of the `Allow` header. */
  readonly allowed: string;

  /** @param allowed the methods that the path has, for example `GET, HEAD` */
  constructor(message: string, allowed: string) {
    super('invalid', message);
    this.allowed = allowed;
  }
}
