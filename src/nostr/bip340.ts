/**
 * Verifies Schnorr signatures over any 32 bytes (BIP-340). The libraries that verify events take nothing but events, and this
 * has to do with public values alone, so it need not take the same time for all of them: some 10 milliseconds.
 */
import { sha256 } from '../lib/digest.ts';

const P = 2n ** 256n - 2n ** 32n - 977n;
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const G: Point = [
  0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
  1n,
];

/** In Jacobian coordinates; Z is 0 at infinity. */
type Point = readonly [x: bigint, y: bigint, z: bigint];

/**
 * @param message 32 bytes in hex
 * @param publicKey 32 bytes in hex
 * @param signature 64 bytes in hex
 * @returns false for anything that is not a signature of this key
 */
export function verifySchnorr(message: string, publicKey: string, signature: string): boolean {
  if (
    !/^[0-9a-f]{64}$/.test(message) ||
    !/^[0-9a-f]{64}$/.test(publicKey) ||
    !/^[0-9a-f]{128}$/.test(signature)
  )
    return false;
  const [rHex, sHex] = [signature.slice(0, 64), signature.slice(64)];
  const [r, s] = [BigInt(`0x${rHex}`), BigInt(`0x${sHex}`)];
  const key = liftX(BigInt(`0x${publicKey}`));
  if (key === undefined || r >= P || s >= N) return false;
  const tag = sha256('BIP0340/challenge');
  const e = BigInt(`0x${sha256(Buffer.from(tag + tag + rHex + publicKey + message, 'hex'))}`) % N;
  const [x, y, z] = add(times(G, s), times(key, (N - e) % N));
  if (z === 0n) return false;
  const inverse = power(z, P - 2n);
  const square = mod(inverse * inverse);
  return mod(y * square * inverse) % 2n === 0n && mod(x * square) === r;
}

/** The point with an even y. */
function liftX(x: bigint): Point | undefined {
  if (x >= P) return undefined;
  const c = mod(x * x * x + 7n);
  const y = power(c, (P + 1n) / 4n);
  if (mod(y * y) !== c) return undefined;
  return [x, y % 2n === 0n ? y : P - y, 1n];
}

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, base];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}

function times(point: Point, factor: bigint): Point {
  let [result, doubled]: [Point, Point] = [[0n, 1n, 0n], point];
  for (let left = factor; left > 0n; left >>= 1n) {
    if (left & 1n) result = add(result, doubled);
    doubled = double(doubled);
  }
  return result;
}

function double([x, y, z]: Point): Point {
  if (z === 0n || y === 0n) return [0n, 1n, 0n];
  const yy = mod(y * y);
  const s = mod(4n * x * yy);
  const m = mod(3n * x * x);
  const newX = mod(m * m - 2n * s);
  return [newX, mod(m * (s - newX) - 8n * yy * yy), mod(2n * y * z)];
}

function add(one: Point, other: Point): Point {
  const [[x1, y1, z1], [x2, y2, z2]] = [one, other];
  if (z1 === 0n) return other;
  if (z2 === 0n) return one;
  const [zz1, zz2] = [mod(z1 * z1), mod(z2 * z2)];
  const [u1, u2] = [mod(x1 * zz2), mod(x2 * zz1)];
  const [s1, s2] = [mod(y1 * zz2 * z2), mod(y2 * zz1 * z1)];
  if (u1 === u2) return s1 === s2 ? double(one) : [0n, 1n, 0n];
  const [h, r] = [mod(u2 - u1), mod(s2 - s1)];
  const hh = mod(h * h);
  const hhh = mod(h * hh);
  const v = mod(u1 * hh);
  const x = mod(r * r - hhh - 2n * v);
  return [x, mod(r * (v - x) - s1 * hhh), mod(h * z1 * z2)];
}
