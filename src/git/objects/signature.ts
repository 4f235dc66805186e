/**
 * Signatures of commits and tags in ASCII armour: who made them, as far as they say it themselves, and what they are about.
 * Nothing is verified here.
 */

/** The four kinds that git knows. git-sign-nostr uses the armour of `x509`, see `nostr/git-signature`. */
export type SignatureKind = 'openpgp' | 'ssh' | 'x509' | 'unknown';

const ARMOUR = /^-----BEGIN (PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----/;

const KINDS: Readonly<Record<string, SignatureKind>> = {
  'PGP SIGNATURE': 'openpgp',
  'PGP MESSAGE': 'openpgp',
  'SSH SIGNATURE': 'ssh',
  'SIGNED MESSAGE': 'x509',
};

/** Most characters of a signature that is read: a thousand times the usual ones. */
const MOST_ARMOUR = 1024 * 1024;

export function signatureKind(armour: string): SignatureKind {
  return KINDS[ARMOUR.exec(armour)?.[1] ?? ''] ?? 'unknown';
}

/** The bytes of a commit that its signature is about: all but the headers that hold signatures. */
export function signedContent(content: Buffer): Buffer {
  const parts: Buffer[] = [];
  let isSignature = false;
  let at = 0;
  while (at < content.length) {
    const found = content.indexOf(0x0a, at);
    const end = found === -1 ? content.length : found + 1;
    // An empty line ends the headers.
    if (end === at + 1) break;
    if (content[at] !== 0x20)
      isSignature = /^gpgsig(?:-sha256)? /.test(content.toString('latin1', at, at + 15));
    if (!isSignature) parts.push(content.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...parts, content.subarray(at)]);
}

/** The bytes between the lines of an armour; undefined if they are no base64. */
export function dearmour(armour: string): Buffer | undefined {
  if (armour.length > MOST_ARMOUR) return undefined;
  const lines = armour.split('\n').map((line) => line.trim());
  const end = lines.findIndex((line, at) => at > 0 && line.startsWith('-----END '));
  if (end === -1) return undefined;
  let body = lines.slice(1, end);
  // OpenPGP has headers before an empty line, and a checksum at the end.
  const empty = body.indexOf('');
  if (body.slice(0, Math.max(0, empty)).every((line) => line.includes(': '))) body = body.slice(empty + 1);
  const text = body.filter((line) => line !== '' && !line.startsWith('=')).join('');
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** A signature of ssh-keygen (PROTOCOL.sshsig of OpenSSH). */
export interface SshSignature {
  /** As written in `authorized_keys`, decoded. */
  readonly publicKey: Buffer;
  /** What it was made for: `git` for commits and tags. */
  readonly namespace: string;
  readonly reserved: Buffer;
  /** By which the message was hashed. */
  readonly hash: 'sha256' | 'sha512';
  /** How the hash was signed: `ssh-ed25519`, `rsa-sha2-512` and so on. */
  readonly algorithm: string;
  readonly signature: Buffer;
  /** What a security key adds to the signature; empty for other keys. */
  readonly rest: Buffer;
}

/** Reads a signature of ssh-keygen. @returns undefined if it is not one */
export function parseSshSignature(armour: string): SshSignature | undefined {
  const bytes = dearmour(armour);
  if (bytes === undefined || bytes.toString('latin1', 0, 6) !== 'SSHSIG' || bytes.length < 10)
    return undefined;
  if (bytes.readUInt32BE(6) !== 1) return undefined;
  const [publicKey, namespace, reserved, hash, signature] = readStrings(bytes.subarray(10));
  if (publicKey === undefined || namespace === undefined || reserved === undefined) return undefined;
  const name = hash?.toString('latin1');
  if (signature === undefined || (name !== 'sha256' && name !== 'sha512')) return undefined;
  const [algorithm, value] = readStrings(signature, 2);
  if (algorithm === undefined || value === undefined) return undefined;
  return {
    publicKey,
    namespace: namespace.toString('utf8'),
    reserved,
    hash: name,
    algorithm: algorithm.toString('latin1'),
    signature: value,
    rest: signature.subarray(8 + algorithm.length + value.length),
  };
}

/** The strings of SSH (RFC 4251, section 5) that follow one another, as far as they are whole. @param most how many */
export function readStrings(bytes: Buffer, most = 16): Buffer[] {
  const strings: Buffer[] = [];
  for (let at = 0; at + 4 <= bytes.length && strings.length < most; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    strings.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return strings;
}

/**
 * The fingerprint or the id of the key that an OpenPGP signature names (RFC 9580, section 5.2.3), in hex.
 * @returns undefined if it names none
 */
export function openPgpKey(armour: string): string | undefined {
  const bytes = dearmour(armour);
  const body = bytes === undefined ? undefined : signaturePacket(bytes);
  if (body === undefined) return undefined;
  const version = body[0];
  if (version === 3) return body.length >= 15 ? body.toString('hex', 7, 15) : undefined;
  if (version !== 4) return undefined;
  let keyId: string | undefined;
  for (let [area, at] = [0, 4]; area < 2 && at + 2 <= body.length; area++) {
    const end = Math.min(body.length, at + 2 + body.readUInt16BE(at));
    for (const packet of subpackets(body.subarray(at + 2, end))) {
      const type = (packet[0] ?? 0) & 0x7f;
      if (type === 33 && packet.length > 2) return packet.toString('hex', 2);
      if (type === 16 && packet.length === 9) keyId = packet.toString('hex', 1);
    }
    at = end;
  }
  return keyId;
}

/** The content of the first packet, if that is a signature. */
function signaturePacket(bytes: Buffer): Buffer | undefined {
  const [tag = 0, first = 0] = bytes;
  const isNew = (tag & 0x40) !== 0;
  if ((tag & 0x80) === 0 || (isNew ? tag & 0x3f : (tag >> 2) & 0x0f) !== 2) return undefined;
  if (!isNew) return bytes.subarray(1 + ([1, 2, 4, 0][tag & 3] ?? 0));
  return bytes.subarray(1 + lengthSize(first));
}

function* subpackets(area: Buffer): Generator<Buffer> {
  for (let at = 0; at < area.length; ) {
    const first = area[at] ?? 0;
    const size = lengthSize(first);
    if (at + size > area.length) return;
    const length =
      size === 1
        ? first
        : size === 2
          ? ((first - 192) << 8) + (area[at + 1] ?? 0) + 192
          : area.readUInt32BE(at + 1);
    if (length === 0) return;
    yield area.subarray(at + size, at + size + length);
    at += size + length;
  }
}

/** Bytes of a length in the new form (RFC 9580, section 4.2.1). */
function lengthSize(first: number): number {
  if (first < 192) return 1;
  return first < 255 ? 2 : 5;
}
