/** One pack of an import becomes a part of the repository, and refs change with it. */
import {
  changingRefNames,
  directoryFileConflict,
  emptyPack,
  isZeroId,
  type ObjectFormat,
  type RefCommand,
  refsStartingWith,
} from '../../git/index.ts';
import { ChunkSource } from '../../lib/chunk-source.ts';
import { headAfter } from '../../policy/default-branch.ts';
import { emptyState, type GitState } from '../../repository/git/git-manifest.ts';
import type { RefTarget } from '../../repository/intake/connectivity/connectivity.ts';
import { type PublishedPack, publishPack } from '../../repository/intake/publish-pack.ts';
import type { PeekedPack } from '../run/peek-pack.ts';
import type { ImportContext, ImportRequest } from './import-request.ts';
import { refProblem } from './plan-import.ts';
import { isTemporaryRef } from './temporary-refs.ts';

/** A change of a ref, and what it must be before. */
export interface ExpectedChange extends RefTarget {
  /** The zero id: it must not exist. Undefined: whatever it is. */
  readonly oldId: string | undefined;
}

export interface ImportPublish {
  /** That of the repository, or of the source where there is none yet. */
  readonly objectFormat: ObjectFormat;
  readonly changes: readonly ExpectedChange[];
  /** Branches among them that must not lose commits. */
  readonly forward: readonly RefCommand[];
  /** Undefined when no objects are needed. */
  readonly pack: PeekedPack | undefined;
  /**
   * The branch of the source's HEAD, as it is called here. HEAD names it from then on where there were no branches, or where the
   * repository becomes like the source.
   */
  readonly head: string | undefined;
  /** Told of bytes that have come. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Takes in a pack and changes refs, in one publish. A change whose ref is not as expected is left out on the state that is met: the
 * published refs tell which were made.
 * @throws as `publishPack`. The pack is ended then.
 */
export async function publishImport(
  context: ImportContext,
  request: ImportRequest,
  publish: ImportPublish,
): Promise<PublishedPack> {
  const { repository, observer, signal, cause } = request;
  const { changes, forward, pack } = publish;
  const expected = new Map(changes.map(({ name, oldId }) => [name, oldId]));
  const { objectFormat: format } = publish;
  const bytes = pack === undefined ? once(emptyPack(format)) : counted(pack.pack, request, publish.onBytes);
  try {
    return await publishPack(context, new ChunkSource(bytes), {
      repository,
      empty: emptyState(repository.id.identifier, format, context.random.hex(16)),
      targets: changes,
      forward,
      kind: 'mirror',
      cause: { kind: 'mirror', actor: null, evidence: null, ...cause },
      applies: ({ name }, { refs }) => isAsExpected(expected.get(name), refs.get(name)),
      decide: (next, current) => lastWord(request, publish, next, current),
      onProgress: (text) => observer.message('target', text.toString('utf8')),
      signal,
    });
  } finally {
    await bytes.return();
    await pack?.pack[Symbol.asyncIterator]().return?.();
  }
}

function isAsExpected(oldId: string | undefined, now: string | undefined): boolean {
  if (oldId === undefined) return true;
  return isZeroId(oldId) ? now === undefined : now === oldId;
}

/** The last word on a state, or why nothing is published on it. */
function lastWord(
  request: ImportRequest,
  { changes, head }: ImportPublish,
  next: GitState,
  current: GitState,
): GitState | string {
  const ended = request.keeper?.problem(current);
  if (ended !== undefined) return ended;
  const made = changes.filter(({ name }) => next.refs.get(name) !== current.refs.get(name));
  for (const { name } of made) {
    const problem = isTemporaryRef(name) ? undefined : refProblem(request, current, name);
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  const conflict = conflictIn(made, next, current);
  if (conflict !== undefined) return conflict;
  const arrives = current.lifecycle === 'held' && made.length > 0;
  const moves = request.policy.mode === 'replicate' || !hasBranches(current);
  const to = head !== undefined && moves && next.refs.has(head) ? head : headAfter(next.head, next.refs);
  if (!arrives && to === next.head) return next;
  return { ...next, head: to, ...(arrives ? { lifecycle: 'live' } : {}) };
}

/** A ref cannot be a file and a folder at once. What others have made meanwhile can be in the way. */
function conflictIn(made: readonly RefTarget[], next: GitState, current: GitState): string | undefined {
  const created = made.filter(({ name, newId }) => !isZeroId(newId) && !current.refs.has(name));
  if (created.length === 0) return undefined;
  const names = changingRefNames(next.refs);
  for (const { name } of created) {
    const other = directoryFileConflict(name, names);
    if (other !== undefined) return `${name} cannot exist beside ${other}`;
  }
  return undefined;
}

function hasBranches({ refs }: GitState): boolean {
  return refsStartingWith(refs, 'refs/heads/').next().done !== true;
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}

async function* counted(
  pack: AsyncIterable<Buffer>,
  { observer }: ImportRequest,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer, void> {
  for await (const chunk of pack) {
    observer.relayed(chunk.length);
    onBytes(chunk.length);
    yield chunk;
  }
  observer.phase('waiting');
}
