import { CairnError } from '../lib/errors.ts';

/**
 * A request that is well formed and cannot be answered, whatever the state of the server: its sender, who may use stock git,
 * is told the reason in an ERR packet, because git shows nothing else of a failed POST.
 */
export class RequestRefusal extends CairnError {
  constructor(reason: string) {
    super('invalid', reason);
  }
}
