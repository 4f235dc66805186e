/** A repository of this server as the source of a push mirror: its refs from the manifest, its packs from git. */
import type { Git } from '../../git-process/git.ts';
import { inspectObjects } from '../../git-process/inspect-objects.ts';
import { packToOutput } from '../../git-process/pack-to-output.ts';
import { failureReason } from '../../git-process/result.ts';
import { publicError } from '../../lib/errors.ts';
import type { PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { FetchOptions, Source, SourceListing } from '../remote/source.ts';

/** The parameters of a fetch from this source. */
type PackWanted = Parameters<Source['fetch']>[0];

export class OwnSource implements Source {
  private readonly git: Git;
  private readonly repository: GitRepository;
  private current: PublishedGitState;

  private constructor(git: Git, repository: GitRepository, current: PublishedGitState) {
    this.git = git;
    this.repository = repository;
    this.current = current;
  }

  /**
   * Reads the published state.
   * @throws CairnError `not-found` when there is no repository; as reading it
   */
  static async open(git: Git, repository: GitRepository): Promise<OwnSource> {
    return new OwnSource(git, repository, await mustResolve(repository));
  }

  /** The state that was listed last. */
  get state(): PublishedGitState {
    return this.current;
  }

  get listing(): SourceListing {
    const { refs, peeled, head, objectFormat } = this.current.manifest;
    return {
      refs,
      peeled,
      head: { target: head, oid: refs.get(head) },
      unusable: [],
      objectFormat,
      protocol: undefined,
      capabilities: [],
      canFilter: false,
    };
  }

  async relist(): Promise<SourceListing> {
    this.current = await mustResolve(this.repository);
    return this.listing;
  }

  async fetch({ wants, haves }: PackWanted, { signal }: FetchOptions): Promise<AsyncIterable<Buffer>> {
    return this.pack(this.current, wants, haves, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Each fetch gives back what it holds.
  }

  private async *pack(
    state: PublishedGitState,
    wants: readonly string[],
    haves: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, void> {
    const snapshot = await this.repository.snapshot(state);
    try {
      const paths = { gitDir: snapshot.path, objects: `${snapshot.path}/objects` };
      // What only the target has tells nothing about what it lacks.
      const known = await inspectObjects(this.git, paths, haves, signal);
      const objects = state.manifest.packs.reduce((sum, entry) => sum + entry.objects, 0);
      const running = this.git.start(packToOutput(snapshot.path, objects), { signal });
      running.stderr.resume();
      running.stdin.end([...wants, ...[...known.keys()].map((oid) => `^${oid}`), ''].join('\n'));
      try {
        yield* running.stdout as AsyncIterable<Buffer>;
        const result = await running.ended;
        signal.throwIfAborted();
        if (result.exitCode !== 0) throw publicError('unavailable', failureReason('pack-objects', result));
      } finally {
        running.stop();
        running.stdout.destroy();
        await running.ended;
      }
    } finally {
      snapshot.release();
    }
  }
}

async function mustResolve(repository: GitRepository): Promise<PublishedGitState> {
  const state = await repository.resolve();
  if (state !== undefined && state.manifest.lifecycle !== 'withdrawn') return state;
  throw publicError('not-found', `there is no repository ${repository}`);
}
