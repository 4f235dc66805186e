import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { CairnError, messageOf } from '../lib/errors.ts';
import type { Settings } from './settings.ts';

/** Values read from files, only at start, and never logged. */
export interface Secrets {
  /** The secret key of the service, 64 lower-case hex characters. */
  readonly serviceKey: string;
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
}

/** @throws CairnError `invalid`, which names the flag whose file cannot be read, or says why a pair cannot be used */
export async function readTls(settings: Settings): Promise<Secrets['tls']> {
  if (settings.tls === undefined) return undefined;
  // Read one after the other: when both files are missing, the message always names the same one.
  const cert = await readNamed('--tls-cert', settings.tls.certFile);
  const key = await readNamed('--tls-key', settings.tls.keyFile);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const files = `--tls-cert ${settings.tls.certFile} with --tls-key ${settings.tls.keyFile}`;
    throw new CairnError('invalid', `${files} cannot be used: ${messageOf(error)}`);
  }
  return { cert, key };
}

async function readNamed(flag: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CairnError('invalid', `${flag} ${path} cannot be read: ${messageOf(error)}`);
  }
}
