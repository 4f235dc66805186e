/** Whether an SSH signature fits a message (PROTOCOL.sshsig of OpenSSH), by node:crypto. */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readStrings, type SshSignature } from '../git/index.ts';

/** The prefix of the signed data. */
const MAGIC = Buffer.from('SSHSIG');

const CURVES: Readonly<
  Record<string, { readonly name: string; readonly hash: string; readonly size: number }>
> = {
  'ecdsa-sha2-nistp256': { name: 'P-256', hash: 'sha256', size: 32 },
  'ecdsa-sha2-nistp384': { name: 'P-384', hash: 'sha384', size: 48 },
  'ecdsa-sha2-nistp521': { name: 'P-521', hash: 'sha512', size: 66 },
};

/** Hashes of RSA signatures. Those by SHA-1 do not count any more, for OpenSSH either. */
const RSA_HASHES: Readonly<Record<string, string>> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };
/** Bytes of the largest RSA modulus: 16,384 bits, as for OpenSSH. */
const MOST_MODULUS = 2_049;

/** The name of a key as ssh-keygen prints it. */
export function sshFingerprint(publicKey: Buffer): string {
  return `SHA256:${createHash('sha256').update(publicKey).digest('base64').replace(/=+$/, '')}`;
}

/**
 * Checks a signature against the key that it contains. It does not say whose key that is.
 * @returns undefined for a kind of key that is not known here
 */
export function fitsMessage(signature: SshSignature, message: Buffer): boolean | undefined {
  const { namespace, reserved, hash } = signature;
  const digest = createHash(hash).update(message).digest();
  const parts = [Buffer.from(namespace), reserved, Buffer.from(hash), digest];
  const signed = Buffer.concat([MAGIC, ...parts.flatMap(sshString)]);
  try {
    return fits(signature, signed);
  } catch {
    // node:crypto throws for keys that cannot be: such a signature fits nothing.
    return false;
  }
}

function fits({ publicKey, algorithm, signature, rest }: SshSignature, signed: Buffer): boolean | undefined {
  const [type, ...fields] = readStrings(publicKey);
  const name = type?.toString('latin1') ?? '';
  const [first, second, third] = fields;
  if (first === undefined) return false;
  if (name === 'ssh-ed25519' && algorithm === name) return verify(null, signed, ed25519(first), signature);
  if (
    name === 'sk-ssh-ed25519@openssh.com' &&
    algorithm === name &&
    second !== undefined &&
    rest.length === 5
  ) {
    return verify(null, askedOfSecurityKey(second, rest, signed), ed25519(first), signature);
  }
  if (name === 'ssh-rsa' && second !== undefined) {
    const hash = RSA_HASHES[algorithm];
    return (
      hash !== undefined &&
      second.length <= MOST_MODULUS &&
      verify(hash, signed, rsa(first, second), signature)
    );
  }
  const curve = CURVES[name];
  if (curve !== undefined && algorithm === name && second !== undefined) {
    return verify(
      curve.hash,
      signed,
      { key: ecdsa(curve, second), dsaEncoding: 'ieee-p1363' },
      joined(signature, curve.size),
    );
  }
  if (
    name === 'sk-ecdsa-sha2-nistp256@openssh.com' &&
    algorithm === name &&
    second &&
    third &&
    rest.length === 5
  ) {
    const p256 = { name: 'P-256', size: 32 };
    const key = { key: ecdsa(p256, second), dsaEncoding: 'ieee-p1363' as const };
    return verify('sha256', askedOfSecurityKey(third, rest, signed), key, joined(signature, p256.size));
  }
  return name.startsWith('ssh-rsa') || name.startsWith('ssh-ed25519') || curve !== undefined
    ? false
    : undefined;
}

/** What a security key signs: the application, its flags and its counter, and the message (PROTOCOL.u2f of OpenSSH). */
function askedOfSecurityKey(application: Buffer, rest: Buffer, signed: Buffer): Buffer {
  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
  return Buffer.concat([hash(application), rest, hash(signed)]);
}

function ed25519(point: Buffer): KeyObject {
  return createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') },
    format: 'jwk',
  });
}

function rsa(exponent: Buffer, modulus: Buffer): KeyObject {
  const [e, n] = [exponent, modulus].map((number) => withoutZeros(number).toString('base64url'));
  return createPublicKey({ key: { kty: 'RSA', e: e ?? '', n: n ?? '' }, format: 'jwk' });
}

function ecdsa({ name, size }: { readonly name: string; readonly size: number }, point: Buffer): KeyObject {
  // 0x04, then both coordinates.
  const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)];
  return createPublicKey({
    key: { kty: 'EC', crv: name, x: x.toString('base64url'), y: y.toString('base64url') },
    format: 'jwk',
  });
}

/** The two numbers of an ECDSA signature, each of full size. */
function joined(signature: Buffer, size: number): Buffer {
  const numbers = readStrings(signature, 2).map((number) => {
    const bytes = withoutZeros(number);
    return Buffer.concat([Buffer.alloc(Math.max(0, size - bytes.length)), bytes]);
  });
  return Buffer.concat(numbers);
}

function withoutZeros(number: Buffer): Buffer {
  let start = 0;
  while (start < number.length - 1 && number[start] === 0) start++;
  return number.subarray(start);
}

function sshString(bytes: Buffer): Buffer[] {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return [length, bytes];
}
