/** `cairn import <source> <owner>/<identifier>`: a repository from elsewhere becomes one here, or is brought up to date. */
import type { GivenFlags } from '../config/settings.ts';
import { CairnError } from '../lib/errors.ts';
import type { CommandContext } from './command-context.ts';
import { importIntoStore } from './import-into-store.ts';
import { type ImportFlags, importScope } from './import-options.ts';
import { importThroughServer } from './import-through-server.ts';
import { type Report, reported } from './mirror.ts';
import { endpointReader } from './mirror-endpoint.ts';
import { repositoryArgument } from './repository-argument.ts';

export async function importRepository(
  source: string,
  name: string,
  flags: ImportFlags,
  given: GivenFlags,
  context: CommandContext,
): Promise<void> {
  const endpoint = endpointReader({ ...flags }, context);
  const asked = { command: 'import', source, target: name, endpoint, flags };
  await reported(asked, context, async (common): Promise<Report> => {
    repositoryArgument(name);
    const command = { name, flags, given, endpoint, common: { ...common, scope: importScope(flags) } };
    return goesThroughServer(given, context)
      ? importThroughServer(command, context)
      : importIntoStore(command, context);
  });
}

/** A flag decides; then a variable, the store's first. */
function goesThroughServer(given: GivenFlags, { environment }: CommandContext): boolean {
  if (given.server !== undefined && given.store !== undefined) {
    throw new CairnError('invalid', '--store and --server exclude each other');
  }
  if (given.server !== undefined || given.store !== undefined) return given.server !== undefined;
  return environment['CAIRN_STORE'] === undefined && environment['CAIRN_SERVER'] !== undefined;
}
