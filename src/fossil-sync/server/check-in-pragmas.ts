import { type Pragma, pragmaCard } from '../../fossil/pragmas.ts';
import { type Round, visibleEntry } from './round.ts';

/** Takes and releases locks of check-ins. Only users who may push get them, and only for check-ins that they see. */
export function answerCheckInPragma(round: Round, pragma: Pragma): void {
  const { repository, reply, context } = round;
  const { rights, user = '', locks, clock } = context;
  if (!rights.write) return;
  if (pragma.pragma === 'ci-unlock') locks.release(String(repository), pragma.client, user);
  if (pragma.pragma !== 'ci-lock') return;
  // Once somebody has checked in on top, a fork is there already.
  if (!round.bag.isLeaf(pragma.parent)) locks.drop(String(repository), [pragma.parent]);
  else if (visibleEntry(round, pragma.parent) !== undefined) {
    const wanted = { client: pragma.client, login: user };
    const held = locks.take(String(repository), pragma.parent, wanted, Math.floor(clock.now() / 1000));
    if (held !== undefined) {
      reply.add(pragmaCard({ pragma: 'ci-lock-fail', login: held.login, time: held.since }));
    }
  }
  // A delta check-in needs another one to be read; stock servers from 2.29 on ask for whole ones, too.
  reply.add(pragmaCard({ pragma: 'avoid-delta-manifests' }));
}
