import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson, type JsonValue } from '../lib/canonical-json.ts';
import { hkdfSha256 } from '../lib/hkdf.ts';

const SALT = 'cairn sessions v1';
/** Longest text that is looked at. */
const MAX_LENGTH = 4_096;

/**
 * Values that the service hands out and takes back unchanged: `<JSON in base64url>.<HMAC-SHA-256 in base64url>`. The key is
 * derived from the service key, its base URL and a purpose. So texts of another service, and texts made for another purpose,
 * are not accepted. Every server of the service accepts them, and none stores them. The holder of a text can read it.
 */
export class SignedTexts {
  private readonly key: Buffer;

  /**
   * @param serviceKey the secret key of the service, 64 hex characters
   * @param base its public base URL
   * @param purpose what the texts are for
   */
  constructor(serviceKey: string, base: string, purpose: string) {
    const info = Buffer.from(canonicalJson({ base, purpose }));
    this.key = hkdfSha256(Buffer.from(serviceKey, 'hex'), SALT, info, 32);
  }

  sign(value: JsonValue): string {
    const body = Buffer.from(canonicalJson(value)).toString('base64url');
    return `${body}.${this.mac(body).toString('base64url')}`;
  }

  /** @returns the value of a text that was signed here; undefined for every other text */
  open(text: string): unknown {
    if (text.length > MAX_LENGTH) return undefined;
    const [, body, mac] = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
    if (body === undefined || mac === undefined) return undefined;
    if (!timingSafeEqual(Buffer.from(mac, 'base64url'), this.mac(body))) return undefined;
    return JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
  }

  private mac(body: string): Buffer {
    return createHmac('sha256', this.key).update(body).digest();
  }
}
