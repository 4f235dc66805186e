/** `cairn import <source> <owner>/<identifier>`: a repository from elsewhere becomes one here, or is brought up to date. */
import type { GivenFlags } from '../../config/given-flags.ts';
import { CairnError } from '../../lib/errors.ts';
import { probe } from '../../mirror/mirror.ts';
import type { CommandContext } from '../command-context.ts';
import { type Report, reported } from '../mirror/mirror.ts';
import { endpointReader } from '../mirror/mirror-endpoint.ts';
import { repositoryArgument } from '../repository-argument.ts';
import { formatInStore, importIntoStore } from './import-into-store.ts';
import { type ImportCommand, type ImportFlags, importScope, mayConvert } from './import-options.ts';
import { formatOnServer, importThroughServer } from './import-through-server.ts';

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
    const throughServer = goesThroughServer(given, context);
    const bring = (asIs: ImportCommand) =>
      throughServer ? importThroughServer(asIs, context) : importIntoStore(asIs, context);
    if (!mayConvert(flags) || (await probe(command.common)).source.objectFormat === 'sha256')
      return bring(command);
    const here = await (throughServer ? formatOnServer(command, context) : formatInStore(command, context));
    if (here === 'sha1') {
      throw new CairnError(
        'invalid',
        `the repository ${name} has sha1 objects, which do not become sha256 ones: import into another repository`,
      );
    }
    const { importConverted } = await import('./import-converted.ts');
    return importConverted(command, context, bring);
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
