import type { GivenFlags } from '../../config/given-flags.ts';
import { systemClock } from '../../lib/clock.ts';
import { counted } from '../../lib/counted.ts';
import { systemRandom } from '../../lib/random.ts';
import { makeBundle } from '../../maintenance/bundle.ts';
import type { CommandContext } from '../command-context.ts';
import { withRepository } from './repo.ts';

/**
 * Creates a bundle of a folded repository and stores it in the bucket. Servers that offload tell their clients about
 * it.
 */
export async function bundle(name: string, flags: GivenFlags, context: CommandContext): Promise<void> {
  await withRepository(name, flags, context, 'writes', async (repository, { artifacts, control }) => {
    const { signal } = context;
    const making = { artifacts, control, clock: systemClock, random: systemRandom, signal };
    const { record, objects, made } = await makeBundle(making, repository);
    const what = `${counted(objects, 'object')} in ${counted(record.bundle.size, 'byte')}`;
    context.print(made ? `bundled: ${what}` : `nothing to do: the folded pack already has a bundle, ${what}`);
  });
}
