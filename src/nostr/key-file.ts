/**
 * The file that holds a secret key: text with one line that is the key, as `nsec1…` (NIP-19) or 64 hex characters. Empty
 * lines and lines that start with `#` are comments.
 */
import { decode, nsecEncode } from 'nostr-tools/nip19';
import { CairnError } from '../lib/errors.ts';
import { formatNpub } from './public-key.ts';
import { isSecretKey } from './secret-key.ts';
import { createSigner } from './sign.ts';

/**
 * Parses the text of a key file.
 * @returns the secret key in 64 lower-case hex characters
 * @throws CairnError `invalid`; the message says what is wrong and repeats nothing of the file
 */
export function parseKeyFile(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [key] = lines;
  if (key === undefined) throw wrong('the key file has no key');
  if (lines.length > 1) throw wrong('the key file has more than one line that is not a comment');
  const secretKey = key.startsWith('nsec1') ? decodeNsec(key) : key.toLowerCase();
  if (!isSecretKey(secretKey)) throw wrong(whatElse(key));
  return secretKey;
}

/** The text of a key file for a secret key of 64 hex characters. A comment says whose key it is and that it is secret. */
export function formatKeyFile(secretKey: string): string {
  const owner = formatNpub(createSigner(secretKey).publicKey);
  const nsec = nsecEncode(Uint8Array.from(Buffer.from(secretKey, 'hex')));
  return `# Secret key of ${owner}. Whoever reads this file can sign as its owner.\n${nsec}\n`;
}

function decodeNsec(text: string): string {
  try {
    const decoded = decode(text);
    return decoded.type === 'nsec' ? Buffer.from(decoded.data).toString('hex') : '';
  } catch {
    // The library's message repeats its input, which is almost a secret key. This one does not.
    throw wrong('the nsec in the key file has a wrong, missing or added character');
  }
}

function whatElse(text: string): string {
  if (text.startsWith('npub1'))
    return 'the key file holds a public key (npub): it must hold the secret one (nsec)';
  if (text.startsWith('ncryptsec1')) {
    return 'the key file holds an encrypted key (ncryptsec): decrypt it and store the nsec';
  }
  if (/^[0-9a-f]{64}$/i.test(text)) return 'the number in the key file is not a valid secret key';
  return 'the key file holds neither an nsec nor 64 hex characters';
}

function wrong(message: string): CairnError {
  return new CairnError('invalid', message);
}
