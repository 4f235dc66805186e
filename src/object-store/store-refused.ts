import { CairnError } from '../lib/errors.ts';

/**
 * What must change before the store accepts the request:
 * - `setting`: bucket, region, endpoint, credentials, certificate or clock
 * - `request`: the store does not accept this request
 * - `store`: the store lacks something that Cairn needs
 */
export type RefusalFault = 'setting' | 'request' | 'store';

/** The store refused, and will refuse again until somebody changes something. Not worth a retry. */
export class StoreRefusedError extends CairnError {
  readonly fault: RefusalFault;

  constructor(fault: RefusalFault, message: string, options?: { cause?: unknown }) {
    super('unavailable', message, options);
    this.fault = fault;
  }
}
