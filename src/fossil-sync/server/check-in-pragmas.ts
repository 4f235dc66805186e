import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { pragmaCard } from '../../fossil/pragmas.ts';
import { isCairnError } from '../../lib/errors.ts';
import type { LockStep } from '../../repository/fossil/check-in-locks.ts';
import { type Round, visibleEntry } from './round.ts';

/** Locks that one request may take or release. Clients take one. */
const MOST_STEPS = 20;

/**
 * Takes and releases locks of check-ins, all those of a request at once. Only users who may push get them, and only for check-ins that
 * they see and that nobody has checked in on top of.
 */
export async function answerCheckInPragmas(round: Round): Promise<void> {
  const { repository, reply, context } = round;
  const { rights, user = '', observer } = context;
  if (!rights.write) return;
  const pragmas = round.request.pragmas.filter(
    ({ pragma }) => pragma === 'ci-lock' || pragma === 'ci-unlock',
  );
  const steps: LockStep[] = [];
  for (const pragma of pragmas.slice(0, MOST_STEPS)) {
    if (pragma.pragma === 'ci-unlock') steps.push({ step: 'release', client: pragma.client });
    if (pragma.pragma !== 'ci-lock') continue;
    const { parent, client } = pragma;
    if (!round.bag.isLeaf(parent) || visibleEntry(round, parent) === undefined) continue;
    steps.push({ step: 'take', parent, client });
  }
  if (steps.length > 0) {
    try {
      const isOver = (parent: ArtifactName) => !round.bag.isLeaf(parent);
      for (const { login, since } of await repository.changeLocks(user, steps, isOver)) {
        reply.add(pragmaCard({ pragma: 'ci-lock-fail', login, time: since }));
      }
    } catch (error) {
      // A lock refuses nothing, so nothing is refused for want of one.
      if (!isCairnError(error, 'busy')) observer.error(error);
    }
  }
  // A delta check-in needs another one to be read; stock servers from 2.29 on ask for whole ones, too.
  if (pragmas.some(({ pragma }) => pragma === 'ci-lock'))
    reply.add(pragmaCard({ pragma: 'avoid-delta-manifests' }));
}
