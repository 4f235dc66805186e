/** People who sign with nostr-tools, so that tests judge Cairn by events it did not make itself. */
import { getPublicKey } from 'nostr-tools/wasm';
import type { NostrEvent, Tag } from '../../../src/nostr/event.ts';
import { finalizeEvent } from '../../helpers/finalize-event.ts';

export interface Author {
  readonly secretKey: string;
  readonly publicKey: string;
  /** Signs an event; what is not given has plain values. */
  sign(fields: { kind: number; at?: number; tags?: readonly Tag[]; content?: string }): NostrEvent;
}

/** An author whose secret key is the small number given. */
export function author(number: number): Author {
  const secretKey = number.toString(16).padStart(64, '0');
  const secret = Uint8Array.from(Buffer.from(secretKey, 'hex'));
  return {
    secretKey,
    publicKey: getPublicKey(secret),
    sign: ({ kind, at = 1_700_000_000, tags = [], content = '' }) => {
      const template = { kind, created_at: at, tags: tags.map((tag) => [...tag]), content };
      // Through JSON, as events arrive: nostr-tools marks what it signed, and trusts the mark.
      return JSON.parse(JSON.stringify(finalizeEvent(template, secret))) as NostrEvent;
    },
  };
}

export const alice = author(1);
export const bob = author(2);
export const carol = author(3);
export const dave = author(4);
