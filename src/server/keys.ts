import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CairnError, messageOf, systemCode } from '../lib/errors.ts';
import { makeFolder, PRIVATE_FOLDER } from '../lib/make-folder.ts';
import { formatKeyFile, parseKeyFile } from '../nostr/key-file.ts';

/**
 * Reads a secret key from its file.
 * @returns the secret key in 64 lower-case hex characters
 * @throws CairnError `not-found` when there is no such file; `forbidden` when others than its owner may read it; `invalid`
 *   when it holds no key
 */
export async function readKeyFile(path: string): Promise<string> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) {
      throw new CairnError('forbidden', `others may read the key file ${path}: run "chmod 600 ${path}"`);
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof CairnError) throw error;
    const kind = systemCode(error) === 'ENOENT' ? 'not-found' : 'invalid';
    throw new CairnError(kind, `the key file ${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  try {
    return parseKeyFile(text);
  } catch (error) {
    throw new CairnError('invalid', `${path}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Writes a secret key to a new file that only its owner may read; a file that is there is left as it is.
 * @throws CairnError `conflict` when there is such a file; `unavailable` when it cannot be written
 */
export async function createKeyFile(path: string, secretKey: string): Promise<void> {
  try {
    await makeFolder(dirname(path), PRIVATE_FOLDER);
    await writeFile(path, formatKeyFile(secretKey), { flag: 'wx', mode: 0o600, flush: true });
    // The umask may have taken away what its owner needs.
    await chmod(path, 0o600);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') {
      throw new CairnError('conflict', `there is a key file ${path} already; it is left as it is`);
    }
    throw new CairnError('unavailable', `the key file ${path} cannot be written: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
