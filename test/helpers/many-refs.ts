import type { GitRepository } from '../../src/repository/git/git-repository.ts';

/** Name of the branch with a number, for repositories of very many. */
export function branchName(number: number): string {
  return `refs/heads/topic/${number % 100}/${String(number).padStart(6, '0')}`;
}

/**
 * Gives a published repository very many branches and tags, as no git client could push at once: each points at what its
 * main branch does, and the tags stand for an annotated one that was pushed before, where there is one.
 */
export async function publishManyRefs(repository: GitRepository, branches: number, tags = 0): Promise<void> {
  await repository.publisher.join({
    since: 0,
    evaluate: async (state) => {
      if (state === undefined) throw new Error('there is no such repository');
      const refs = new Map(state.refs);
      const peeled = new Map(state.peeled);
      const tip = refs.get('refs/heads/main') ?? '';
      const [annotated] = peeled;
      for (let number = 0; number < branches; number++) refs.set(branchName(number), tip);
      for (let number = 0; number < tags; number++) {
        const name = `refs/tags/v${number}`;
        refs.set(name, annotated === undefined ? tip : (refs.get(annotated[0]) ?? tip));
        if (annotated !== undefined) peeled.set(name, annotated[1]);
      }
      const cause = { kind: 'mirror', actor: null, evidence: null, refs: ['refs/heads/main'] } as const;
      return { next: { ...state, refs, peeled }, cause, result: undefined };
    },
  });
}
