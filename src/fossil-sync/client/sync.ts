/**
 * The client's side of Fossil's sync protocol (`client_sync` in Fossil's `xfer.c`). Both sides hold a set of artifacts; rounds of
 * one request and one reply go on until neither has anything left for the other.
 */
import { isCairnError } from '../../lib/errors.ts';
import { observerOf, runWithin } from '../observer.ts';
import { syncTables } from '../table-sync/sync-tables.ts';
import type { Transport } from '../transport.ts';
import type { LocalBag } from './local-bag.ts';
import { Rounds } from './rounds.ts';
import type { SyncOptions } from './sync-options.ts';
import { SyncFailure, type SyncResult } from './sync-result.ts';
import { SyncSession } from './sync-session.ts';

/**
 * Brings a bag and a server to the same artifacts, as far as the directions and the server allow.
 * @param local what this side holds; each round's artifacts are verified and stored before the next round
 * @returns what was done, including texts of the server
 * @throws SyncFailure with the result until then: the server refuses, cannot be reached, does not give what it announced, or sent an
 *   artifact that is not what its name says. The signal's reason
 */
export async function sync(
  local: LocalBag,
  transport: Transport,
  options: SyncOptions = {},
): Promise<SyncResult> {
  const observer = observerOf(options.observer);
  const session = new SyncSession(local, new Rounds('sync', transport, options, observer), options);
  const within = observer.sessionStarted({
    operation: 'sync',
    push: options.push ?? true,
    pull: options.pull ?? true,
    unversioned: options.unversioned ?? false,
    projectCode: local.projectCode,
    peer: options.peer,
  });
  try {
    return await runWithin(within, async () => {
      const result = await session.run();
      if (options.tables === undefined) return result;
      const tables = await syncTables(options.tables, transport, local.projectCode, options);
      return tables === undefined ? result : { ...result, tables };
    });
  } catch (error) {
    observer.error(error);
    if (!isCairnError(error)) throw error;
    throw new SyncFailure(error.kind, error.message, session.result, { cause: error });
  } finally {
    observer.sessionCompleted({ operation: 'sync', projectCode: local.projectCode, ...session.result });
  }
}
