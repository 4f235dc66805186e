import { CairnError } from '../../lib/errors.ts';
import { type ObjectFormat, readObjectId } from '../object-id.ts';

/** Quotes and shortens text from a client, for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

/** The error for a line that `command` does not have. */
export function unexpectedLine(command: string, line: string): CairnError {
  return new CairnError('invalid', `unexpected line in ${command}: ${shown(line)}`);
}

/** The object id that is the value of `line`. Throws `invalid` if it is not one of `format` (of any format without it). */
export function objectIdIn(line: string, value: string, format?: ObjectFormat): string {
  const oid = format
    ? readObjectId(value, format)
    : (readObjectId(value, 'sha1') ?? readObjectId(value, 'sha256'));
  if (oid === undefined) throw new CairnError('invalid', `expected an object id in ${shown(line)}`);
  return oid;
}

/** The integer that is the value of `line`. Throws `invalid` if it is not from 1 to `greatest`. */
export function numberIn(line: string, value: string, greatest: number): number {
  const number = /^[0-9]{1,16}$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > greatest) {
    throw new CairnError('invalid', `expected a number from 1 to ${greatest} in ${shown(line)}`);
  }
  return number;
}
