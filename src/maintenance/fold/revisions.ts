/** Passes any number of tips to git; yields to other work in between. */
import { inBatches } from '../../lib/cooperative.ts';

/** Splits the values of refs into `wanted` and the others, each value once. */
export async function parted(
  refs: ReadonlyMap<string, string>,
  wanted: (ref: readonly [name: string, oid: string]) => boolean,
): Promise<[wanted: Set<string>, others: Set<string>]> {
  const [values, others] = [new Set<string>(), new Set<string>()];
  for await (const piece of inBatches(refs)) {
    for (const ref of piece) (wanted(ref) ? values : others).add(ref[1]);
  }
  return [values, others];
}

/**
 * The standard input of git-rev-list(1): where to start, and where to stop. Each stop has its own mark, because
 * rev-list before 2.42 accepted no `--not` there.
 */
export async function revisions(tips: ReadonlySet<string>, known: ReadonlySet<string>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of inBatches(tips)) pieces.push(Buffer.from(`${piece.join('\n')}\n`));
  for await (const piece of inBatches(known)) pieces.push(Buffer.from(`^${piece.join('\n^')}\n`));
  return Buffer.concat(pieces);
}
