/**
 * What programs may use: `import { clone, sync } from 'cairn/fossil'`. Names and types that are exported here change only with the
 * version; how they are made may change at any time. `docs/reference/fossil-library.md` has examples.
 */
export type { ArtifactName } from '../fossil/artifact-name.ts';
export type { ContentType } from '../fossil/framing.ts';
export type { UnversionedFile } from '../fossil/unversioned.ts';
export { CLIENT_LIMITS, type ClientLimits } from '../fossil-sync/client/client-limits.ts';
export { clone } from '../fossil-sync/client/clone.ts';
export { MemorySpool, type PayloadSpool } from '../fossil-sync/client/clone-staging.ts';
export { FileSpool } from '../fossil-sync/client/file-spool.ts';
export type {
  ClonedProject,
  CloneTarget,
  DraftBag,
  HeldArtifact,
  HeldArtifacts,
  LocalBag,
  TakenArtifacts,
} from '../fossil-sync/client/local-bag.ts';
export { MemoryBag, MemoryCloneTarget } from '../fossil-sync/client/memory-bag.ts';
export { sync } from '../fossil-sync/client/sync.ts';
export type {
  Account,
  CloneOptions,
  SessionOptions,
  SyncOptions,
} from '../fossil-sync/client/sync-options.ts';
export {
  type CheckInLockFailure,
  type CloneResult,
  StalledError,
  SyncFailure,
  type SyncResult,
} from '../fossil-sync/client/sync-result.ts';
export { FAULT_SITES, type FaultSite, type FaultSites } from '../fossil-sync/faults.ts';
export { type ExchangeHandler, InProcessTransport } from '../fossil-sync/in-process-transport.ts';
export type {
  RoundEnd,
  RoundStart,
  SessionEnd,
  SessionStart,
  SyncObserver,
  Within,
} from '../fossil-sync/observer.ts';
export {
  type HttpTransportSettings,
  type OpenedHttpTransport,
  openHttpTransport,
} from '../fossil-sync/open-http-transport.ts';
export {
  type ExchangeHost,
  type ExchangeReply,
  type ExchangeRequest,
  serveExchange,
} from '../fossil-sync/server/exchange.ts';
export type { ProjectHostOptions, ProjectUser } from '../fossil-sync/server/project-host.ts';
export { NO_RIGHTS, type RoundRights } from '../fossil-sync/server/round-context.ts';
export { syncTables, type TableSyncResult } from '../fossil-sync/table-sync/sync-tables.ts';
export { type RowSender, type SyncedRow, SyncedTable } from '../fossil-sync/table-sync/synced-table.ts';
export { answerTables, type Tables } from '../fossil-sync/table-sync/table-exchange.ts';
export type { ConflictRule, Row, TableSchema } from '../fossil-sync/table-sync/table-schema.ts';
export type { Transport, TransportReply, TransportRequest } from '../fossil-sync/transport.ts';
export { fossilFetch, fossilListener } from '../http/fossil/fossil-handlers.ts';
export type { CairnError, ErrorKind } from '../lib/errors.ts';
export type {
  Received,
  ReceivedArtifact,
  ReceivedUnversioned,
} from '../repository/fossil/prepared-artifacts.ts';
export { type FossilRepositories, type FossilStoreOptions, withFossilRepositories } from './fossil-store.ts';
