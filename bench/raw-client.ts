import { CairnError, messageOf } from '../src/lib/errors.ts';
import { PackAnswer } from './pack-answer.ts';
import { connect } from './raw-connection.ts';

/**
 * A client that speaks git's protocol v2 over HTTP and keeps nothing: real git spends most of a
 * clone in its own index-pack, which says nothing about the server. Like git it makes one connection
 * per command and reuses it for the requests of that command.
 */

/** What a clone cost. Seconds count from the first request, `firstPackByte` from the fetch request. */
export interface RawClone {
  readonly seconds: number;
  readonly firstPackByte: number;
  readonly packBytes: number;
  readonly objects: number;
}

/** The capability reply and `ls-refs`, as `git ls-remote` asks: for every ref, or those that begin with a prefix. */
export async function rawLsRemote(url: string, prefix?: string): Promise<{ seconds: number; refs: number }> {
  const began = performance.now();
  await using connection = connect(url);
  await connection.capabilities();
  const refs = await connection.lsRefs(prefix === undefined ? [] : [prefix]);
  return { seconds: (performance.now() - began) / 1000, refs: refs.length };
}

/**
 * Clones and discards: every branch and tag, or with `depth` only HEAD's history of that length,
 * as `git clone --depth` does. Throws when the server refuses or the answer is cut short.
 */
export async function rawClone(url: string, depth?: number): Promise<RawClone> {
  const began = performance.now();
  await using connection = connect(url);
  await connection.capabilities();
  const refs = await connection.lsRefs(
    depth === undefined ? ['HEAD', 'refs/heads/', 'refs/tags/'] : ['HEAD'],
  );
  if (refs.length === 0) throw new CairnError('not-found', `${url} has no refs to clone`);
  const fetched = performance.now();
  const answer = await connection.command('fetch', [
    'no-progress',
    'ofs-delta',
    ...(depth === undefined ? [] : [`deepen ${depth}`]),
    ...[...new Set(refs.map((ref) => ref.oid))].map((oid) => `want ${oid}`),
    'done',
  ]);
  const pack = new PackAnswer();
  let firstPackByte = Number.NaN;
  try {
    for await (const chunk of answer) {
      pack.feed(chunk);
      if (pack.packBytes > 0 && Number.isNaN(firstPackByte)) firstPackByte = performance.now() - fetched;
    }
  } catch (error) {
    if (error instanceof CairnError) throw error;
    const reason = `${url} hung up after ${pack.packBytes} bytes of pack: ${messageOf(error)}`;
    throw new CairnError('unavailable', reason, { cause: error });
  }
  pack.end();
  return {
    seconds: (performance.now() - began) / 1000,
    firstPackByte: firstPackByte / 1000,
    packBytes: pack.packBytes,
    objects: pack.objects,
  };
}
