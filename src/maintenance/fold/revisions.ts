/** Tips as git is told them, of however many refs: with turns for others in between. */
import { inBatches } from '../../lib/cooperative.ts';

/** The values of refs that are `wanted`, and of those that are not, each once. */
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
 * What git-rev-list(1) reads from standard input: what to begin at, and what to end at. Each of those is marked by itself, since
 * before 2.42 rev-list took no `--not` there.
 */
export async function revisions(tips: ReadonlySet<string>, known: ReadonlySet<string>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of inBatches(tips)) pieces.push(Buffer.from(`${piece.join('\n')}\n`));
  for await (const piece of inBatches(known)) pieces.push(Buffer.from(`^${piece.join('\n^')}\n`));
  return Buffer.concat(pieces);
}
