import type { GitClient } from './git-client.ts';

/**
 * Pushes every ref that a pattern matches, through git's own HTTP helper and send-pack. `git push` does the same, but
 * hands the helper one refspec per ref, and send-pack compares each of them with every ref: minutes for 10,000.
 *
 * @param repository a client that works in the repository to push from
 * @param refspec for example `refs/heads/many/*:refs/heads/many/*`
 * @returns how many refs were accepted
 * @throws Error naming refs that were refused
 */
export async function pushPattern(repository: GitClient, url: string, refspec: string): Promise<number> {
  const answer = await repository.try(['remote-http', url, url], {
    input: `list for-push\npush ${refspec}\n\n`,
  });
  const lines = answer.stdout.split('\n');
  // `no match` is a ref of the server that the pattern says nothing about.
  const refused = lines.filter((line) => line.startsWith('error ') && !line.endsWith(' no match'));
  const accepted = lines.filter((line) => line.startsWith('ok ')).length;
  if (refused.length === 0 && accepted > 0) return accepted;
  throw new Error(`${refused.length} refs were refused: ${refused.slice(0, 5).join(', ')}\n${answer.stderr}`);
}
