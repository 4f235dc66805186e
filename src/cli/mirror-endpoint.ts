import type { CommandContext } from './command-context.ts';
import type { EndpointReader } from './mirror.ts';

/** How the command line reaches both sides: with what its flags and variables say. */
export function endpointReader(
  _flags: Readonly<Record<string, unknown>>,
  context: CommandContext,
): EndpointReader {
  return async (_side, address) => ({ address, connection: { environment: context.environment } });
}
