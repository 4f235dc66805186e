/** `cairn fossil shun <owner>/<identifier> <artifact>…`: artifacts that a repository never sends or takes in again. */
import type { GivenFlags } from '../../config/given-flags.ts';
import { type ArtifactName, parseArtifactName } from '../../fossil/artifact-name.ts';
import { counted } from '../../lib/counted.ts';
import { CairnError } from '../../lib/errors.ts';
import { ChangeShun } from '../../repository/fossil/change-shun.ts';
import type { CommandContext } from '../command-context.ts';
import { repositoryArgument } from '../repository-argument.ts';
import { withFossilStore } from './fossil-store.ts';

export interface FossilShunFlags {
  /** The artifacts are shunned no more. */
  readonly undo?: boolean;
  readonly json?: boolean;
}

/**
 * Changes the list of shunned artifacts. Without artifacts, prints it.
 * @param artifacts whole names; they need not be in the repository
 * @throws CairnError `invalid` for what is no name; `not-found`; `too-large` if the list would be too long; those of a publish
 */
export async function fossilShun(
  name: string,
  artifacts: readonly string[],
  { undo = false, json = false }: FossilShunFlags,
  given: GivenFlags,
  context: CommandContext,
): Promise<void> {
  const id = repositoryArgument(name);
  const names = artifacts.map(artifactArgument);
  await withFossilStore(given, context, { writes: names.length > 0 }, async ({ repositories }) => {
    const repository = repositories.get(id);
    const before = await repository.resolveOwnKind();
    if (before === undefined) throw new CairnError('not-found', `there is no repository ${repository}`);
    if (names.length > 0) {
      const request = undo ? { unshun: names } : { shun: names };
      await repository.publisher.join(new ChangeShun(repository, request, repository.mark()));
    }
    const { manifest } = (await repository.resolve()) ?? before;
    if (json) {
      context.print(JSON.stringify({ repository: String(repository), shunned: manifest.shunned }));
    } else if (names.length === 0) {
      for (const shunned of manifest.shunned) context.print(shunned);
    } else {
      context.print(`${repository} shuns ${counted(manifest.shunned.length, 'artifact')}`);
    }
  });
}

function artifactArgument(text: string): ArtifactName {
  const name = parseArtifactName(text);
  if (name === undefined) {
    throw new CairnError(
      'invalid',
      `${JSON.stringify(text)} is no artifact: expected its whole name, 40 or 64 digits in lower case`,
    );
  }
  return name;
}
