import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CairnError, messageOf, systemCode } from '../lib/errors.ts';
import { makeFolder, PRIVATE_FOLDER } from '../lib/make-folder.ts';
import { formatKeyFile, parseKeyFile } from '../nostr/key-file.ts';

/**
 * Reads a secret key from its file.
 * @returns the secret key in 64 lower-case hex characters
 * @throws CairnError `not-found` when the file does not exist; `forbidden` when other users can read it; `invalid`
 * when it holds no key
 */
export async function readKeyFile(path: string): Promise<string> {
  let text: string;
  try {
    const found = await stat(path);
    // A pipe is as good as a file: `--key <(pass show cairn)`.
    if (found.isDirectory()) throw new CairnError('invalid', `the key file ${path} is not a file`);
    if ((found.mode & 0o077) !== 0) {
      throw new CairnError('forbidden', `other users can read the key file ${path}: run "chmod 600 ${path}"`);
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
 * Writes a secret key to a new file that only its owner can read. An existing file is not changed.
 * @throws CairnError `conflict` when the file exists; `unavailable` when it cannot be written
 */
export async function createKeyFile(path: string, secretKey: string): Promise<void> {
  try {
    await makeFolder(dirname(path), PRIVATE_FOLDER);
    await writeFile(path, formatKeyFile(secretKey), { flag: 'wx', mode: 0o600, flush: true });
    // The umask may have removed permissions that the owner needs.
    await chmod(path, 0o600);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') {
      throw new CairnError('conflict', `the key file ${path} already exists; it is not changed`);
    }
    throw new CairnError('unavailable', `the key file ${path} cannot be written: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
