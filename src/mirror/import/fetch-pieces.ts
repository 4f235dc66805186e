/** Brings in a large history in several packs, up to what the last one is to bring. */
import { CairnError } from '../../lib/errors.ts';
import type { PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { PlannedRef } from '../plan/plan.ts';
import type { SourceListing } from '../remote/source.ts';
import { fetchGraph } from '../run/ancestry.ts';
import { fetchPack } from '../run/fetch-pack.ts';
import { type Checkpoint, commitsOfPiece, planCheckpoints, type Tip } from './checkpoints.ts';
import { fetchingRun, havesOf } from './fetching-run.ts';
import type { ImportContext, ImportRequest } from './import-request.ts';
import { publishImport } from './publish-import.ts';
import { temporaryRef } from './temporary-refs.ts';

export interface Pieces {
  /** The refs whose objects are to come. */
  readonly refs: readonly PlannedRef[];
  readonly wants: readonly string[];
  /** How many objects the source has to send in all, as it says. */
  readonly objects: number;
  /** Objects of a piece. */
  readonly each: number;
  /** Told of each pack: objects and bytes. */
  readonly onPack: (objects: number) => void;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Fetches a history piece by piece, oldest commits first, and publishes each piece behind temporary refs. What is published is here when
 * the import is run again after an interruption: it then is what the source leaves out.
 * @returns how many packs are left for the rest to come in: one
 * @throws as `publishPack` and `Source.fetch`; CairnError `corrupt` when a piece is not taken in
 */
export async function fetchPieces(
  context: ImportContext,
  request: ImportRequest,
  published: PublishedGitState | undefined,
  pieces: Pieces,
): Promise<void> {
  const { observer, source } = request;
  const run = fetchingRun(context, request);
  const haves = havesOf(published?.manifest, []);
  observer.phase('ancestry');
  const graph = await fetchGraph(run, pieces.wants, haves);
  const each = commitsOfPiece(graph.size, pieces);
  const checkpoints = planCheckpoints(graph, tipsOf(pieces.refs, source.listing), each);
  const fetched: string[] = [];
  for (const [at, checkpoint] of checkpoints.entries()) {
    observer.notice(`fetching in pieces: ${at + 1} of ${checkpoints.length + 1}`);
    const wants = [...new Set(checkpoint.map(({ oid }) => oid))];
    // What was fetched last first: there is a limit to how many are sent.
    const pack = await fetchPack(run, {
      wants,
      haves: [...fetched.slice(-MOST_FETCHED).reverse(), ...haves],
    });
    pieces.onPack(pack.objects);
    observer.phase('relaying', `pack ${at + 1}/${checkpoints.length + 1}`);
    const outcome = await publishImport(context, request, {
      objectFormat: source.listing.objectFormat,
      changes: changesOf(checkpoint, request.keeper?.id),
      forward: [],
      pack,
      head: undefined,
      onBytes: pieces.onBytes,
    });
    if (outcome.outcome === 'refused') {
      throw new CairnError('corrupt', `a pack of the source was refused: ${outcome.reason}`);
    }
    fetched.push(...wants);
  }
}

const MOST_FETCHED = 1_000;

/** Where the refs lead to; a tag to what it was put on. */
function tipsOf(refs: readonly PlannedRef[], { peeled }: SourceListing): Tip[] {
  return refs.map(({ source = '', target, newId }) => ({ name: target, oid: peeled.get(source) ?? newId }));
}

function changesOf(checkpoint: Checkpoint, keeper: string | undefined) {
  return checkpoint.map(({ name, oid }) => ({
    name: temporaryRef(name, keeper),
    newId: oid,
    oldId: undefined,
  }));
}
