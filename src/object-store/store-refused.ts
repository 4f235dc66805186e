import { CairnError } from '../lib/errors.ts';

/**
 * What has to change before a store answers otherwise:
 * - `setting`: bucket, region, endpoint, credentials, certificate or clock
 * - `request`: it does not take what it was asked
 * - `store`: it does not have, or does not do, what Cairn needs
 */
export type RefusalFault = 'setting' | 'request' | 'store';

/** The store answered, and will answer the same again until somebody changes something. Not worth a retry. */
export class StoreRefusedError extends CairnError {
  readonly fault: RefusalFault;

  constructor(fault: RefusalFault, message: string, options?: { cause?: unknown }) {
    super('unavailable', message, options);
    this.fault = fault;
  }
}
