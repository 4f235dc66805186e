import { readObjectText } from './object-header.ts';
import { type Person, parsePerson } from './person.ts';

/** An annotated tag. */
export interface Tag {
  /** What it points at, and the type of that. */
  readonly object: string;
  readonly type: string;
  /** Undefined for the very old tags that have none. */
  readonly tagger: Person | undefined;
  /** Without the signature at its end. */
  readonly message: string;
  readonly signature: string | undefined;
}

const SIGNATURE = /^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----$/m;

/** Reads an annotated tag. @param content as git stores it */
export function parseTag(content: Buffer): Tag {
  const { headers, message } = readObjectText(content);
  const tagger = headers.get('tagger');
  const signed = SIGNATURE.exec(message);
  return {
    object: headers.get('object') ?? '',
    type: headers.get('type') ?? '',
    tagger: tagger === undefined ? undefined : parsePerson(tagger),
    message: signed === null ? message : message.slice(0, signed.index),
    signature: signed === null ? undefined : message.slice(signed.index),
  };
}
