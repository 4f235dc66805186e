import { readFiles } from '../../../../browse/fossil/check-ins.ts';
import type { CheckInFacts } from '../../../../browse/fossil/fossil-memory.ts';
import { type FossilView, findArtifact, readArtifact } from '../../../../browse/fossil/fossil-view.ts';
import { readTimeline } from '../../../../browse/fossil/timeline.ts';
import { chooseReadme, README_SIZE, readmeFormat } from '../../../../browse/readme.ts';
import type { CheckInFile } from '../../../../fossil/check-in-manifest.ts';
import { type ShownReadme, showReadme } from '../../../code/readme/show-readme.ts';
import type { Renderer } from '../../../render/render-pool.ts';
import { entriesOf, SHOWN_ENTRIES, type ShownFolder } from '../../folder-entries.ts';
import type { FossilLinks } from '../../fossil-links.ts';

/** Check-ins that the overview lists. */
const CHECK_INS = 5;
/** Milliseconds for finding them: of thousands of leaves, the newest ones are known only when all have been read. */
const LISTING_TIME = 5_000;

/** What the overview shows of the check-ins of a project. */
export interface FossilOverview {
  /** The newest ones, newest first; undefined if finding them takes too long. */
  readonly checkIns: readonly CheckInFacts[] | undefined;
  /** The top folder of the newest one; undefined where there is none. */
  readonly folder: ShownFolder | undefined;
  /** In that folder. */
  readonly readme: ShownReadme | undefined;
}

/**
 * Reads what the overview shows.
 * @param renderer absent: there is no README
 * @throws CairnError `corrupt`, `unavailable`, `busy`
 */
export async function readOverview(
  view: FossilView,
  links: FossilLinks,
  renderer: Renderer | undefined,
): Promise<FossilOverview> {
  const checkIns = await newest(view);
  const [tip] = checkIns ?? [];
  if (tip === undefined) return { checkIns, folder: undefined, readme: undefined };
  const { name: checkIn } = tip;
  const files = await readFiles(view, checkIn);
  const all = entriesOf(files, '');
  const folder = { checkIn, entries: all.slice(0, SHOWN_ENTRIES), count: all.length };
  const readme = renderer === undefined ? undefined : await readReadme(view, links, renderer, checkIn, files);
  return { checkIns, folder, readme };
}

async function newest(view: FossilView): Promise<readonly CheckInFacts[] | undefined> {
  const timeout = AbortSignal.timeout(LISTING_TIME);
  try {
    const { checkIns } = await readTimeline(
      { ...view, signal: AbortSignal.any([view.signal, timeout]) },
      0,
      CHECK_INS,
    );
    return checkIns;
  } catch (error) {
    if (!timeout.aborted || view.signal.aborted) throw error;
    view.onCut?.();
    return undefined;
  }
}

async function readReadme(
  view: FossilView,
  links: FossilLinks,
  renderer: Renderer,
  checkIn: string,
  files: ReadonlyMap<string, CheckInFile>,
): Promise<ShownReadme | undefined> {
  const entries = [...files].flatMap(([name, { kind, artifact }]) =>
    name.includes('/') || kind === 'symlink' ? [] : { name: Buffer.from(name), kind, artifact },
  );
  const chosen = chooseReadme(entries);
  if (chosen === undefined) return undefined;
  const { size } = findArtifact(view, chosen.artifact);
  const content = size > README_SIZE ? undefined : await readArtifact(view, chosen.artifact, README_SIZE);
  const format = readmeFormat(chosen.name.toString('latin1'));
  const place = { files: links.at('file', checkIn), raw: links.at('raw', checkIn) };
  return showReadme(renderer, { path: [chosen.name], format, content }, place);
}
