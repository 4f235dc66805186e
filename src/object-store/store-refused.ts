import { CairnError } from '../lib/errors.ts';

/**
 * The store answered, and will answer the same again until somebody changes the configuration: wrong bucket, region,
 * credentials or clock. Not worth a retry.
 */
export class StoreRefusedError extends CairnError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('unavailable', message, options);
  }
}
