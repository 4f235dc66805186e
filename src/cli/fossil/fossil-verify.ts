/** `cairn fossil verify <owner>/<identifier>`: makes every artifact of a repository again and compares it with its name. */
import type { GivenFlags } from '../../config/given-flags.ts';
import { counted } from '../../lib/counted.ts';
import { CairnError } from '../../lib/errors.ts';
import { verifyBag } from '../../repository/fossil/verify-bag.ts';
import type { CommandContext } from '../command-context.ts';
import { repositoryArgument } from '../repository-argument.ts';
import { withFossilStore } from './fossil-store.ts';

/**
 * Prints what was verified and a line for each problem, or one JSON document.
 * @throws CairnError `not-found`; `corrupt` if there are problems, which have been printed then; `unavailable` if the store does not
 *   answer, which says nothing about the repository
 */
export async function fossilVerify(
  name: string,
  options: { readonly json?: boolean },
  given: GivenFlags,
  context: CommandContext,
): Promise<void> {
  const id = repositoryArgument(name);
  const work = { writes: false };
  await withFossilStore(given, context, work, async ({ repositories }) => {
    const repository = repositories.get(id);
    const published = await repository.resolveOwnKind();
    if (published === undefined) throw new CairnError('not-found', `there is no repository ${repository}`);
    const bag = await repository.bagOf(published);
    const problems = await verifyBag(bag, context.signal);
    const files = [...(await bag.unversioned()).values()].filter(({ hash }) => hash !== undefined);
    const found = { artifacts: bag.count, unversioned: files.length, waiting: bag.waitingCount };
    if (options.json === true) {
      const state = published.digest;
      context.print(JSON.stringify({ repository: String(repository), state, ...found, problems }));
    } else {
      for (const { name: artifact, problem } of problems) {
        context.print(artifact === undefined ? problem : `${artifact}  ${problem}`);
      }
      const waiting =
        found.waiting === 0 ? '' : `; ${counted(found.waiting, 'delta')} waiting for what it is made of`;
      context.print(
        `${counted(found.artifacts, 'artifact')}, ${counted(found.unversioned, 'unversioned file')}, ${counted(problems.length, 'problem')}${waiting}`,
      );
    }
    if (problems.length > 0) {
      throw new CairnError('corrupt', `${repository} has ${counted(problems.length, 'problem')}`);
    }
  });
}
