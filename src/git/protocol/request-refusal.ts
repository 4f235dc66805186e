import { CairnError } from '../../lib/errors.ts';

/**
 * A well-formed request that is refused, whatever the state of the server. The client gets the reason in an ERR packet:
 * git shows nothing else of a failed POST.
 */
export class RequestRefusal extends CairnError {
  constructor(reason: string) {
    super('invalid', reason);
  }
}
