import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { CairnError } from '../../lib/errors.ts';

/** The error for something wrong with an artifact that was received: it names the artifact. */
export function bad(name: ArtifactName, problem: string): CairnError {
  return new CairnError('invalid', `artifact ${name}: ${problem}`);
}

/** The same error, naming the artifact. */
export function because(name: ArtifactName, error: unknown): unknown {
  if (!(error instanceof CairnError) || error.message.startsWith('artifact ')) return error;
  return new CairnError(error.kind, `artifact ${name}: ${error.message}`, { cause: error });
}
