import { type GivenFlags, givenValue, invalidValue } from './given-flags.ts';
import type { OptionName } from './options.ts';
import { type Parsed, parseHomeFile, parseServiceUrl } from './plain-values.ts';

/** The settings of a command that talks to a server. */
export interface ClientSettings {
  /** Public URL of the server without a trailing slash; undefined when none was given. */
  readonly server: string | undefined;
  readonly keyFile: string;
  /** False when the key file is only the default: it may not exist. */
  readonly keyNamed: boolean;
}

/**
 * Reads the settings of the commands that talk to a server.
 * @throws CairnError `invalid`, which names the flag or variable at fault and what was expected
 */
export function readClientSettings(flags: GivenFlags, environment: NodeJS.ProcessEnv): ClientSettings {
  return {
    server: read('server', parseServiceUrl, flags, environment),
    keyFile: read('key', parseHomeFile, flags, environment),
    keyNamed: (flags.key ?? environment['CAIRN_KEY_FILE']) !== undefined,
  };
}

function read<T>(
  name: OptionName,
  parse: (text: string) => Parsed<T>,
  flags: GivenFlags,
  environment: NodeJS.ProcessEnv,
): T {
  const given = givenValue(name, flags, environment);
  const result = parse(given.text);
  if ('value' in result) return result.value;
  throw invalidValue(given, result.expected);
}
