import type { FossilView } from '../../browse/fossil/fossil-view.ts';
import { readTimeline } from '../../browse/fossil/timeline.ts';
import { type ArtifactName, parseArtifactName } from '../../fossil/artifact-name.ts';
import { CairnError } from '../../lib/errors.ts';

/** Stands for the check-in that is newest. */
export const TIP = 'tip';

/** The name of an artifact in a URL. @throws CairnError `not-found` for what is no whole name */
export function readArtifactName(text: string | undefined): ArtifactName {
  const name = parseArtifactName(text ?? '');
  if (name === undefined) throw new CairnError('not-found', 'use the full hash of the artifact');
  return name;
}

/** The name of a check-in in a URL, or `tip`. @throws CairnError `not-found` */
export function readCheckInName(text: string | undefined): ArtifactName | typeof TIP {
  return text === TIP ? TIP : readArtifactName(text);
}

/** The check-in that is meant. @throws CairnError `not-found` where there is none yet */
export async function checkInOf(view: FossilView, name: ArtifactName | typeof TIP): Promise<ArtifactName> {
  if (name !== TIP) return name;
  const { checkIns } = await readTimeline(view, 0, 1);
  const [newest] = checkIns;
  if (newest === undefined) throw new CairnError('not-found', 'there are no check-ins yet');
  return newest.name;
}
