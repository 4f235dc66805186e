import { z } from 'zod';
import { size, whole } from './values.ts';

/** Limits for pushes by people without rights to the repository. */
export interface AnonymousPushSettings {
  /** Bytes of packs in one repository. */
  readonly bytes: number;
  readonly objects: number;
  readonly refs: number;
  /** Bytes of one object. */
  readonly object: number;
  /** Concurrent pushes. */
  readonly slots: number;
}

const DEFAULT_ANONYMOUS_PUSHES: AnonymousPushSettings = {
  bytes: 512 * 2 ** 20,
  objects: 400_000,
  refs: 1_000,
  object: 16 * 2 ** 20,
  slots: 2,
};

const ANONYMOUS_PUSH_SCHEMAS = {
  bytes: size(1),
  objects: whole(1, 1_000_000_000),
  refs: whole(1, 100_000),
  object: size(2 ** 20),
  slots: whole(1, 1_000),
} satisfies Record<keyof AnonymousPushSettings, z.ZodType<number, string>>;

/** Earlier names of limits, which are still read. */
const EARLIER_NAMES: ReadonlyMap<string, string> = new Map([['places', 'slots']]);

/** `on`, `off`, or `<limit>=<value>,…`. Limits that are not given have their defaults. */
export const anonymousPushes = z.string().transform((text, context): AnonymousPushSettings | undefined => {
  if (text === 'off') return undefined;
  if (text === 'on') return DEFAULT_ANONYMOUS_PUSHES;
  const problem = (message: string) => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  const named = new Map<string, number>();
  for (const part of text.split(',')) {
    const [, given = '', value = ''] = /^\s*([a-z]+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    const name = EARLIER_NAMES.get(given) ?? given;
    const known = Object.entries(ANONYMOUS_PUSH_SCHEMAS).find(([candidate]) => candidate === name);
    if (known === undefined || named.has(name)) {
      return problem(
        'expected on, off or limits such as bytes=512MiB,objects=400000,refs=1000,object=16MiB,slots=2',
      );
    }
    const result = known[1].safeParse(value);
    if (!result.success) return problem(`${given}: ${result.error.issues[0]?.message ?? 'not valid'}`);
    named.set(name, result.data);
  }
  return { ...DEFAULT_ANONYMOUS_PUSHES, ...Object.fromEntries(named) };
});
