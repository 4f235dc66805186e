/** `cairn import <source> <owner>/<identifier>`: a repository from elsewhere becomes one here, or is brought up to date. */
import type { GivenFlags } from '../../config/given-flags.ts';
import type { ObjectFormat } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import { probe } from '../../mirror/mirror.ts';
import type { CommandContext } from '../command-context.ts';
import { type Report, reported } from '../mirror/mirror.ts';
import { endpointReader } from '../mirror/mirror-endpoint.ts';
import { repositoryArgument } from '../repository-argument.ts';
import { type ImportCommand, type ImportFlags, importScope, mayConvert } from './import-options.ts';

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
    const { bring, formatHere } = await wayOf(given, context);
    if (!mayConvert(flags) || (await probe(command.common)).source.objectFormat === 'sha256')
      return bring(command, context);
    if ((await formatHere(command, context)) === 'sha1') {
      throw new CairnError(
        'invalid',
        `the repository ${name} has sha1 objects, which do not become sha256 ones: import into another repository`,
      );
    }
    const { importConverted } = await import('./import-converted.ts');
    return importConverted(command, context, (asIs) => bring(asIs, context));
  });
}

/** How a command imports. */
interface ImportWay {
  readonly bring: (command: ImportCommand, context: CommandContext) => Promise<Report>;
  /** The format of the repository; undefined when there is none. */
  readonly formatHere: (command: ImportCommand, context: CommandContext) => Promise<ObjectFormat | undefined>;
}

/** Loads one of the ways: each needs packages that the other one does not. */
async function wayOf(given: GivenFlags, context: CommandContext): Promise<ImportWay> {
  if (goesThroughServer(given, context)) {
    const { formatOnServer, importThroughServer } = await import('./import-through-server.ts');
    return { bring: importThroughServer, formatHere: formatOnServer };
  }
  const { formatInStore, importIntoStore } = await import('./import-into-store.ts');
  return { bring: importIntoStore, formatHere: formatInStore };
}

/** A flag decides; then a variable, the store's first. */
function goesThroughServer(given: GivenFlags, { environment }: CommandContext): boolean {
  if (given.server !== undefined && given.store !== undefined) {
    throw new CairnError('invalid', '--store and --server exclude each other');
  }
  if (given.server !== undefined || given.store !== undefined) return given.server !== undefined;
  return environment['CAIRN_STORE'] === undefined && environment['CAIRN_SERVER'] !== undefined;
}
