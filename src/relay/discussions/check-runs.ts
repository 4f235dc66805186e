/** Results of continuous integration (draft NIP-C1) for a commit or a pull request, and whether a maintainer asked for them. */
import { cooperate } from '../../lib/cooperative.ts';
import {
  type CheckRequest,
  type JobResult,
  parseCheckRequest,
  parseJobResult,
  parseWorkflowRun,
  type WorkflowRun,
} from '../../nostr/collaboration/check-run.ts';
import { latestFirst } from '../../nostr/collaboration/references.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import type { Filter } from '../../nostr/filter.ts';
import { kinds } from '../../nostr/kinds.ts';
import { values } from '../../nostr/tags.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { Authenticated } from '../publication.ts';
import {
  type DiscussionContext,
  keysThatCount,
  nowOf,
  repositoryAddress,
  seenEvent,
} from './discussion-context.ts';

export interface Check {
  readonly run: WorkflowRun;
  readonly jobs: readonly JobResult[];
  /**
   * Whether a maintainer signed it, or had asked its signer to run checks here when it was made. Anybody can publish a
   * result: the others say only what a stranger says.
   */
  readonly asked: boolean;
}

const RUNS: ReadonlySet<number> = new Set([kinds.ciWorkflowResult, kinds.ciWorkflowProgress]);
const REQUESTS: ReadonlySet<number> = new Set([
  kinds.ciManualTrigger,
  kinds.ciServiceRequest,
  kinds.ciServiceStop,
]);

/** Events that are looked at, and runs and jobs that are shown. */
const MOST_LOOKS = 300;
const MOST_CHECKS = 30;
const MOST_JOBS = 100;

export class CheckRuns {
  private readonly context: DiscussionContext;

  constructor(context: DiscussionContext) {
    this.context = context;
  }

  /** Runs for a commit: those that were asked for first, then the newest first. */
  ofCommit(repository: RepositoryId, commit: string, reader: Authenticated): Promise<readonly Check[]> {
    return this.found(repository, ['c', commit], reader, (run) => run.commit === commit);
  }

  /** Runs for a pull request, of any of its tips. */
  ofPullRequest(repository: RepositoryId, id: string, reader: Authenticated): Promise<readonly Check[]> {
    return this.found(repository, ['E', id], reader, (run) => run.pullRequest === id);
  }

  private async found(
    repository: RepositoryId,
    [letter, value]: readonly [string, string],
    reader: Authenticated,
    isAbout: (run: WorkflowRun) => boolean,
  ): Promise<readonly Check[]> {
    const address = repositoryAddress(repository);
    const tags = new Map([
      ['a', new Set([address])],
      [letter, new Set([value])],
    ]);
    const maintainers = new Set(keysThatCount(this.context, repository));
    const requests = await this.requests(address, maintainers, reader);
    // They are looked for first, so that results by others do not push them out of sight.
    const authors = new Set([...maintainers, ...requests.map(({ coordinator }) => coordinator)]);
    const runs = new Map<string, WorkflowRun>();
    for (const filter of [
      { kinds: RUNS, authors, tags },
      { kinds: RUNS, tags },
    ]) {
      for (const run of await this.read(filter, reader, address, parseWorkflowRun)) runs.set(run.id, run);
    }
    const about = withoutFinished([...runs.values()].filter(isAbout));
    const isAsked = ({ author, at }: WorkflowRun) =>
      maintainers.has(author) || wasAsked(requests, author, at);
    let left = MOST_JOBS;
    return about
      .map((run) => ({ run, asked: isAsked(run) }))
      .sort((a, b) => Number(b.asked) - Number(a.asked) || latestFirst(a.run, b.run))
      .slice(0, MOST_CHECKS)
      .map((check) => {
        const jobs = check.run.jobs.slice(0, left).flatMap((id) => this.job(id, check.run, reader) ?? []);
        left = Math.max(0, left - check.run.jobs.length);
        return { ...check, jobs };
      });
  }

  /** A job that a run quotes: it must be of the same commit and workflow. */
  private job(id: string, run: WorkflowRun, reader: Authenticated): JobResult | undefined {
    const event = seenEvent(this.context, id, reader);
    const job = event === undefined ? undefined : parseJobResult(event);
    return job?.commit === run.commit && job.workflow === run.workflow ? job : undefined;
  }

  private requests(
    address: string,
    maintainers: ReadonlySet<string>,
    reader: Authenticated,
  ): Promise<readonly CheckRequest[]> {
    const filter = { kinds: REQUESTS, authors: maintainers, tags: new Map([['a', new Set([address])]]) };
    return this.read(filter, reader, address, parseCheckRequest);
  }

  private async read<T>(
    filter: Filter,
    reader: Authenticated,
    address: string,
    parse: (event: NostrEvent) => T | undefined,
  ): Promise<T[]> {
    const found: T[] = [];
    const visible = (event: NostrEvent) => {
      const value = values(event, 'a').includes(address) ? parse(event) : undefined;
      if (value !== undefined && this.context.visible(event, reader)) found.push(value);
      return false;
    };
    const now = nowOf(this.context);
    await cooperate(this.context.events.querying([filter], { limit: 1, now, visible, looks: MOST_LOOKS }));
    return found;
  }
}

/** Leaves out the progress of runs whose result is here. */
function withoutFinished(runs: readonly WorkflowRun[]): WorkflowRun[] {
  const name = ({ author, run }: WorkflowRun) => `${author} ${run}`;
  const finished = new Set(runs.flatMap((run) => (run.final && run.run !== undefined ? name(run) : [])));
  return runs.filter((run) => run.final || !finished.has(name(run)));
}

/** Whether the last word of a maintainer to a coordinator before a run was a request, and no stop. */
function wasAsked(requests: readonly CheckRequest[], coordinator: string, at: number): boolean {
  const before = requests.filter((request) => request.coordinator === coordinator && request.at <= at);
  if (before.some(({ asks }) => asks === 'once')) return true;
  // NIP-C1: of two at the same second the lower id is the later one.
  const [last] = before.sort((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1));
  return last?.asks === 'serve';
}
