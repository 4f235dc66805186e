/** Questions about commits that are here, answered without the source. */
import { listHistory } from '../../git-process/commands.ts';
import type { Git } from '../../git-process/git.ts';
import { failureReason } from '../../git-process/result.ts';
import { CairnError } from '../../lib/errors.ts';
import type { PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import { CommitGraph } from '../graph/commit-graph.ts';

/**
 * Reads commits of the repository: those that the first ones reach and the others do not.
 * @throws CairnError `unavailable` when git fails; as `GitRepository.snapshot`; the signal's reason
 */
export async function ownGraph(
  { git, repository, signal }: { git: Git; repository: GitRepository; signal: AbortSignal },
  state: PublishedGitState,
  wants: readonly string[],
  haves: readonly string[],
): Promise<CommitGraph> {
  const graph = new CommitGraph(state.manifest.objectFormat);
  const snapshot = await repository.snapshot(state);
  try {
    const running = git.start(listHistory(snapshot.path), { signal });
    running.stderr.resume();
    running.stdin.end(`${[...wants, ...haves.map((oid) => `^${oid}`)].join('\n')}\n`);
    try {
      let rest = '';
      for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
        const lines = (rest + chunk.toString('latin1')).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const [oid = '', ...parents] = line.split(' ');
          graph.add(oid, parents);
        }
      }
      const result = await running.ended;
      signal.throwIfAborted();
      if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason('rev-list', result));
      return graph;
    } finally {
      running.stop();
      running.stdout.destroy();
      await running.ended;
    }
  } finally {
    snapshot.release();
  }
}
