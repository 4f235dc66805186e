import { isCairnError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { newSecretKey } from '../nostr/secret-key.ts';
import { createKeyFile, readKeyFile } from './keys.ts';

/**
 * Reads the key of the service. Creates one at the first start.
 * @returns the secret key in 64 lower-case hex characters, and whether it is new
 * @throws CairnError as reading and writing key files does
 */
export async function openServiceKey(
  path: string,
  random: Random,
): Promise<{ readonly secretKey: string; readonly isNew: boolean }> {
  try {
    return { secretKey: await readKeyFile(path), isNew: false };
  } catch (error) {
    if (!isCairnError(error, 'not-found')) throw error;
  }
  try {
    const secretKey = newSecretKey(random);
    await createKeyFile(path, secretKey);
    return { secretKey, isNew: true };
  } catch (error) {
    // Another server that shares this file created it first.
    if (!isCairnError(error, 'conflict')) throw error;
    return { secretKey: await readKeyFile(path), isNew: false };
  }
}
