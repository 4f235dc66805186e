import { CairnError } from '../lib/errors.ts';
import { type RepositoryId, repositoryId } from '../repository/repository-id.ts';
import { publicKeyArgument } from './public-key-argument.ts';

/**
 * The repository named on the command line, with or without `.git` at its end.
 * @param text `<owner>/<identifier>`
 * @throws CairnError `invalid`, which says what is wrong with it
 */
export function repositoryArgument(text: string): RepositoryId {
  const slash = text.indexOf('/');
  if (slash < 1) throw new CairnError('invalid', 'a repository is named <owner>/<identifier>');
  const identifier = text.slice(slash + 1).replace(/\.git$/, '');
  return repositoryId(publicKeyArgument(text.slice(0, slash)), identifier);
}
