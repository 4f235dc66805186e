import { CairnError } from '../lib/errors.ts';
import type { Option } from './option.ts';
import { OPTIONS, type OptionName } from './options.ts';

/** The options a command knows. */
export function optionsFor(command: Option['commands']): readonly (Option & { readonly name: OptionName })[] {
  return OPTIONS.filter(
    (option) => option.commands === command || (option.commands === 'all' && command === 'serve'),
  );
}

/** Flags as given, by option name. */
export type GivenFlags = Partial<Record<OptionName, string>>;

/** The text of a setting, and the flag or variable that it came from. */
export interface GivenValue {
  readonly text: string;
  readonly source: string;
}

/** Finds the text of a setting: a flag wins over its variable, a variable over the default. */
export function givenValue(name: OptionName, flags: GivenFlags, environment: NodeJS.ProcessEnv): GivenValue {
  const option = OPTIONS.find((candidate) => candidate.name === name);
  if (option === undefined) throw new TypeError(`no option ${name}`);
  const flag = flags[name];
  if (flag !== undefined) return { text: flag, source: `--${name}` };
  return { text: environment[option.variable] ?? option.default, source: option.variable };
}

/** The error for a setting whose text is not valid. */
export function invalidValue({ text, source }: GivenValue, expected: string): CairnError {
  return new CairnError('invalid', `${source} is ${JSON.stringify(text)}: ${expected}`);
}
