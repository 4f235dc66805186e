/** `cairn mirror list|show --store`: what the records in a store say of kept mirrors, beside servers or without any. */
import type { GivenFlags } from '../../config/given-flags.ts';
import { systemClock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import { systemRandom } from '../../lib/random.ts';
import { MirrorRecords } from '../../mirror/kept/mirror-records.ts';
import { type MirrorView, mirrorView } from '../../mirror/kept/mirror-view.ts';
import type { CommandContext } from '../command-context.ts';
import { withRepository } from '../repository/repo.ts';

/**
 * The mirrors of a repository, by name.
 * @param name `<owner>/<identifier>`
 * @throws CairnError `not-found` when there is no repository; as the store
 */
export async function mirrorsInStore(
  name: string,
  flags: GivenFlags,
  context: CommandContext,
): Promise<MirrorView[]> {
  let views: MirrorView[] = [];
  await withRepository(name, flags, context, 'reads', async (repository, { control }) => {
    if ((await repository.resolve()) === undefined) {
      throw new CairnError('not-found', `there is no repository ${repository}`);
    }
    const mirrorRecords = new MirrorRecords({ control, clock: systemClock, random: systemRandom });
    const now = Math.floor(systemClock.now() / 1000);
    const mirrors = (await mirrorRecords.read(repository.id)).filter(({ removing }) => !removing);
    views = mirrors.map((mirror) => mirrorView(mirror, now));
  });
  return views;
}
