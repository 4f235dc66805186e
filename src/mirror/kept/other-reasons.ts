import type { MirroredRef } from '../run/mirror-result.ts';

/**
 * Why refs were not changed: reasons that the problem does not tell, each with the first ref that has it.
 * @param most reasons to return
 */
export function otherReasons(
  refs: readonly MirroredRef[],
  problem: string | undefined,
  most: number,
): string[] {
  const told: string[] = [];
  const known = new Set<string>();
  for (const { target, action, reason, result } of refs) {
    const failed = result !== undefined && result.outcome !== 'applied' ? result.reason : undefined;
    const why = action === 'block' ? reason : failed;
    if (why === undefined || known.has(why)) continue;
    known.add(why);
    const text = `${target}: ${why}`;
    if (problem?.includes(text) !== true) told.push(text);
    if (told.length === most) break;
  }
  return told;
}
