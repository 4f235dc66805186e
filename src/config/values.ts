/** Value formats that several settings share. */
import { z } from 'zod';
import { type Parsed, parseSize } from './plain-values.ts';

/** A value that is read without zod. */
export const parsed = <T>(parse: (text: string) => Parsed<T>) =>
  z.string().transform((text, context) => {
    const result = parse(text);
    if ('value' in result) return result.value;
    context.addIssue({ code: 'custom', message: result.expected });
    return z.NEVER;
  });

/** A size in bytes, with or without a unit. */
export const size = parsed(parseSize);

/** A whole number within bounds, both included. */
export const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.number().min(least).max(most));

/** An empty string, where the value is then derived from the machine, or a number. */
export const automaticIfEmpty = (value: z.ZodType<number, string>) =>
  z.string().transform((text, context): number | undefined => {
    if (text === '') return undefined;
    const result = value.safeParse(text);
    if (result.success) return result.data;
    context.addIssue({ code: 'custom', message: result.error.issues[0]?.message ?? 'not valid' });
    return z.NEVER;
  });
