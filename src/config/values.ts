/** Value formats that several settings share. */
import { z } from 'zod';

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** A size in bytes, with or without a unit. */
export const size = z.string().transform((text, context) => {
  const [, digits, unit = 'B'] = /^(\d+)\s*(B|KiB|MiB|GiB|TiB)?$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * (UNITS[unit] ?? 1);
  context.addIssue({ code: 'custom', message: 'expected a size such as 512MiB or 8GiB' });
  return z.NEVER;
});

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
