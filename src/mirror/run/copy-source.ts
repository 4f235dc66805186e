/** A copy of what a source has, on this machine, for packs that the source itself cannot make. */
import { Scratch } from '../graph/scratch.ts';
import { openGitSource } from '../remote/git-source.ts';
import { openConnection } from '../remote/open-connection.ts';
import type { Source, SourceListing } from '../remote/source.ts';
import { drainEmptyPack } from './ancestry.ts';
import { fetchPack } from './fetch-pack.ts';
import type { MirrorRun } from './mirror-run.ts';

/**
 * True if a source makes the packs that batches and pieces need: commits alone, and then the history up to any commit. In protocol version 2
 * every object can be wanted; before, only where it is offered.
 */
export function canServeParts({ canFilter, sendsAny, protocol, capabilities }: SourceListing): boolean {
  const servesAny =
    sendsAny === true ||
    protocol === 2 ||
    capabilities.includes('allow-reachable-sha1-in-want') ||
    capabilities.includes('allow-any-sha1-in-want');
  return canFilter && servesAny;
}

/**
 * Fetches objects with all that they reach into a scratch repository, which then takes the place of the source. Nothing that the
 * target has is left out: packs can only be made of whole histories.
 * @returns a source with the listing of the original. It is closed apart from the original.
 * @throws as `Source.fetch`; CairnError `unavailable` or `corrupt` when git fails
 */
export async function copySource(run: MirrorRun, wants: readonly string[]): Promise<Source> {
  const { source, scratch: place, signal, observer } = run;
  observer.notice('the source cannot divide its history: it is copied to this machine first');
  const scratch = await Scratch.open(place, source.listing.objectFormat);
  try {
    const { objects, pack } = await fetchPack(run, { wants, haves: [] });
    observer.phase('local');
    if (objects === 0) await drainEmptyPack(pack);
    else await scratch.index(pack, objects, signal);
    return await openCopy(scratch, source, signal);
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Serves a scratch repository as if it were the source. The scratch repository is deleted when it is closed.
 * @param original tells which refs there are
 */
export async function openCopy(
  scratch: Scratch,
  original: Pick<Source, 'listing' | 'relist'>,
  signal: AbortSignal,
): Promise<Source> {
  await scratch.serveAnything();
  const connection = openConnection({ kind: 'local', path: scratch.gitDir });
  const local = await openGitSource(connection, { protocol: 2, agent: 'cairn', prefixes: ['HEAD'], signal });
  return {
    get listing() {
      return { ...original.listing, canFilter: true, protocol: 2 as const };
    },
    relist: (relisting) => original.relist(relisting),
    fetch: (request, options) => local.fetch(request, options),
    [Symbol.asyncDispose]: async () => {
      await local[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}
