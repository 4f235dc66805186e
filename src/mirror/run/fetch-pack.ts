import type { PackRequest } from '../../git/index.ts';
import { type CairnError, publicError } from '../../lib/errors.ts';
import { formatSize } from '../../lib/format-size.ts';
import type { MirrorRun } from './mirror-run.ts';
import { type PeekedPack, peekPack } from './peek-pack.ts';

/**
 * Fetches a pack from the source, and waits for its header.
 * @throws as `Source.fetch`; reading it throws CairnError `too-large` when it is longer than the run allows
 */
export async function fetchPack(
  run: Pick<MirrorRun, 'source' | 'limits' | 'observer' | 'signal'>,
  request: Pick<PackRequest, 'wants' | 'haves' | 'filter'>,
): Promise<PeekedPack> {
  const { source, limits, observer, signal } = run;
  observer.phase('counting');
  const chunks = await source.fetch(
    { ...request, progress: true, includeTag: false },
    { signal, onMessage: (text) => observer.message('source', text) },
  );
  return peekPack(limits.maxPackBytes === undefined ? chunks : atMost(chunks, limits.maxPackBytes));
}

/** The error of a source that sends more than a run allows. @param limit bytes */
export function sourceTooLong(limit: number): CairnError {
  return publicError(
    'too-large',
    `the pack of the source is longer than ${formatSize(limit)} (--max-pack-bytes)`,
  );
}

async function* atMost(chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Buffer, void> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) {
      throw sourceTooLong(limit);
    }
    yield chunk;
  }
}
