/** Value formats that several settings share. */
import { z } from 'zod';
import { sizeAsSetting } from '../lib/format-size.ts';
import { type Parsed, parseSize } from './plain-values.ts';

/** A value that is read without zod. */
export const parsed = <T>(parse: (text: string) => Parsed<T>) =>
  z.string().transform((text, context) => {
    const result = parse(text);
    if ('value' in result) return result.value;
    context.addIssue({ code: 'custom', message: result.expected });
    return z.NEVER;
  });

/**
 * A size in bytes, with or without a unit, within bounds, both included. Without bounds, any size.
 * @param least,most bytes
 */
export const size = (least = 0, most = Number.MAX_SAFE_INTEGER) =>
  parsed((text): Parsed<number> => {
    const result = parseSize(text);
    if (!('value' in result) || (result.value >= least && result.value <= most)) return result;
    const bounds = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${sizeAsSetting(most)}`;
    return { expected: `expected a size from ${sizeAsSetting(least)}${bounds}` };
  });

/** A whole number within bounds, both included. */
export const whole = (least: number, most: number) =>
  parsed((text): Parsed<number> => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return { value };
    return { expected: `expected a whole number from ${least} to ${most}` };
  });

/** One of some words. */
export const oneOf = <const W extends string>(...words: readonly W[]) =>
  parsed((text): Parsed<W> => {
    const value = words.find((word) => word === text);
    if (value !== undefined) return { value };
    return { expected: `expected ${words.slice(0, -1).join(', ')} or ${words.at(-1)}` };
  });

/** A switch. */
export const onOff = oneOf('on', 'off').transform((text) => text === 'on');

/** A text that is not blank. @param what for the message: `a folder` */
export const filled = (what: string) => z.string().regex(/\S/, `expected ${what}`);

/** An empty string, where the value is then derived from the machine, or a number. */
export const automaticIfEmpty = (value: z.ZodType<number, string>) =>
  z.string().transform((text, context): number | undefined => {
    if (text === '') return undefined;
    const result = value.safeParse(text);
    if (result.success) return result.data;
    context.addIssue({ code: 'custom', message: result.error.issues[0]?.message ?? 'not valid' });
    return z.NEVER;
  });
