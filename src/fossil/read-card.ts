import type { Bytes } from '../lib/file-bytes.ts';
import type { CardLine } from './card-line.ts';
import { parseCount } from './card-line.ts';
import { type Card, type CloneCard, UV_DELETED, UV_NO_CONTENT } from './cards.ts';
import { defossilize } from './tokens.ts';

/**
 * Reads a card of stock Fossil.
 * @param isPrivate whether a `private` card came before it; it matters to files alone
 * @returns an `unknown` card if the name of the card is not one of them. Throws `FossilSyntaxError`
 */
export function readCard<P extends Bytes>(line: CardLine<P>, isPrivate: boolean): Card<P> {
  switch (line.card) {
    case 'igot':
      return readIgot(line);
    case 'gimme':
      line.takes(1);
      return { card: 'gimme', name: line.artifact(0) };
    case 'file':
      return readFile(line, isPrivate);
    case 'cfile':
      return readCompressedFile(line, isPrivate);
    case 'login':
      line.takes(3);
      return {
        card: 'login',
        user: defossilize(line.token(0)),
        nonce: line.token(1),
        signature: line.token(2),
      };
    case 'push':
    case 'pull':
      line.takes(2);
      return { card: line.card, serverCode: line.token(0), projectCode: line.token(1) };
    case 'clone':
      return readClone(line);
    case 'clone_seqno':
      line.takes(1);
      return { card: 'clone_seqno', position: line.count(0) };
    case 'uvfile':
      return readUnversionedFile(line);
    case 'uvigot':
      line.takes(4);
      return { card: 'uvigot', ...unversionedEntry(line) };
    case 'uvgimme':
      line.takes(1);
      return { card: 'uvgimme', name: line.fileName(0) };
    case 'cookie':
      line.takes(1);
      return { card: 'cookie', value: line.token(0) };
    case 'reqconfig':
      line.takes(1);
      return { card: 'reqconfig', name: line.token(0) };
    case 'config':
      line.takes(2);
      // The line feed after the payload is an empty line for who reads on.
      return { card: 'config', name: line.token(0), content: line.content(line.count(1)) };
    case 'pragma':
      return { card: 'pragma', name: line.token(0), args: line.args.slice(1).map(defossilize) };
    case 'message':
    case 'error':
      return { card: line.card, text: line.rest() };
    case '#':
      return { card: 'comment', text: line.text.replace(/^# ?/, '') };
    default:
      return { card: 'unknown', line: line.text };
  }
}

function readIgot(line: CardLine<Bytes>): Card<never> {
  line.takes(1, 2);
  const flag = line.args.length === 2 ? line.token(1) : '0';
  if (flag !== '0' && flag !== '1') throw line.wrong('its second argument is 0, or 1 for private');
  return { card: 'igot', name: line.artifact(0), isPrivate: flag === '1' };
}

function readFile<P extends Bytes>(line: CardLine<P>, isPrivate: boolean): Card<P> {
  line.takes(2, 3);
  const source = line.args.length === 3 ? { source: line.artifact(1) } : {};
  return {
    card: 'file',
    name: line.artifact(0),
    ...source,
    payload: line.payload(line.count(-1)),
    isPrivate,
  };
}

function readCompressedFile<P extends Bytes>(line: CardLine<P>, isPrivate: boolean): Card<P> {
  line.takes(3, 4);
  const source = line.args.length === 4 ? { source: line.artifact(1) } : {};
  return {
    card: 'cfile',
    name: line.artifact(0),
    ...source,
    size: line.count(-2),
    payload: line.payload(line.count(-1)),
    isPrivate,
  };
}

function readClone(line: CardLine<Bytes>): CloneCard {
  line.takes(0, 2);
  const version = line.args.length === 2 ? parseCount(line.token(0)) : undefined;
  if (version === undefined) return { card: 'clone', version: 1, position: undefined };
  return { card: 'clone', version, position: parseCount(line.token(1)) };
}

function readUnversionedFile<P extends Bytes>(line: CardLine<P>): Card<P> {
  line.takes(5);
  const entry = unversionedEntry(line);
  const flags = line.count(4);
  const deleted = (flags & UV_DELETED) !== 0;
  if (deleted !== (entry.hash === undefined)) {
    throw line.wrong('a deleted file has the flag 1 and "-" for its hash, any other file has neither');
  }
  if (deleted || (flags & UV_NO_CONTENT) !== 0) return { card: 'uvfile', ...entry, flags };
  return { card: 'uvfile', ...entry, flags, content: line.payload(entry.size) };
}

function unversionedEntry(line: CardLine<Bytes>) {
  const hash = line.artifactOrDash(2);
  const size = line.count(3);
  if (hash === undefined && size !== 0) throw line.wrong('a deleted file has the size 0');
  return { name: line.fileName(0), time: line.count(1), hash, size };
}
