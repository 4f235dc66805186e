import { sortByDate } from '../../git-process/walk-commands.ts';
import { Fields, readOutput } from '../read-output.ts';
import type { RepositoryView } from '../repository-view.ts';

/** Most refs that are sorted by date; more are sorted by name. */
export const MOST_SORTED = 20_000;

const BOUNDS = { bytes: 64 * 1024 * 1024, milliseconds: 10_000 };

/**
 * Sorts refs by the date of the commit that they point at, newest first. Those of one commit keep their order; those of
 * no commit come last.
 * @param refs names, each with the id of what it peels to
 */
export async function orderByDate(
  view: RepositoryView,
  refs: readonly (readonly [name: string, oid: string])[],
): Promise<string[]> {
  const named = new Map<string, string[]>();
  for (const [name, oid] of refs) {
    const names = named.get(oid);
    if (names === undefined) named.set(oid, [name]);
    else names.push(name);
  }
  const input = [...named.keys()].map((oid) => `${oid}\n`).join('');
  const lines = new Fields(0x0a);
  const sorted: string[] = [];
  if (named.size > 0) {
    await readOutput(view, sortByDate(await view.gitDir()), input, BOUNDS, (piece) => {
      for (const line of lines.of(piece)) {
        const oid = line.toString('latin1').split(' ')[1] ?? '';
        sorted.push(...(named.get(oid) ?? []));
        named.delete(oid);
      }
      return true;
    });
  }
  return [...sorted, ...[...named.values()].flat()];
}
