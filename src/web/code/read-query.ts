import { CairnError } from '../../lib/errors.ts';

/** Digits of a number; a program that counts further must not begin anew. */
const DIGITS = 7;

/** A whole number in a query. @returns 0 if there is none @throws CairnError `invalid` for anything else, and for more than seven digits */
export function readNumber(query: URLSearchParams, name: string): number {
  const text = query.get(name)?.trim() ?? '';
  if (text === '') return 0;
  if (!/^\d+$/.test(text)) throw new CairnError('invalid', `${name} is a whole number`);
  if (text.length > DIGITS) throw new CairnError('invalid', `${name} has at most ${DIGITS} digits`);
  return Number(text);
}

/**
 * One of some words in a query.
 * @param choices the first is meant where there is none
 * @throws CairnError `invalid` for any other word
 */
export function readChoice<Choice extends string>(
  query: URLSearchParams,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const text = query.get(name)?.trim() ?? '';
  if (text === '') return choices[0];
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new CairnError('invalid', `${name} is one of: ${choices.join(', ')}`);
  return found;
}
