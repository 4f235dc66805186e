/**
 * What programs may use: `import { sync } from 'cairn/mirror'`. Names and types that are exported here change only with the version; how
 * they are made may change at any time. `docs/reference/mirror-library.md` has examples.
 */
export type { CairnError, ErrorKind } from '../lib/errors.ts';
export {
  bootstrap,
  type Endpoint,
  type FetchTestOptions,
  type FetchTestResult,
  fetch,
  type MirrorOptions,
  type ProbeResult,
  plan,
  probe,
  replicate,
  type SourceOptions,
  sync,
  type Traffic,
} from '../mirror/mirror.ts';
export type { MirrorObserver, Phase, Side } from '../mirror/observer.ts';
export { silent } from '../mirror/observer.ts';
export type { MirrorMode, PlannedRef, RefAction, Strategy } from '../mirror/plan/plan.ts';
export type { RefKind, RefMapping, RefScope } from '../mirror/plan/ref-scope.ts';
export type { CredentialHelper } from '../mirror/remote/credential-helper.ts';
export type { ConnectionOptions } from '../mirror/remote/open-connection.ts';
export type { SourceListing } from '../mirror/remote/source.ts';
export type { TargetListing } from '../mirror/remote/target.ts';
export {
  type Counts,
  countsOf,
  type MirroredRef,
  type MirrorResult,
  type Outcome,
} from '../mirror/run/mirror-result.ts';
export type { MirrorLimits } from '../mirror/run/mirror-run.ts';
export type { RefResult } from '../mirror/run/push-refs.ts';
export type { Credentials } from '../outbound/credentials.ts';
export type { HttpAnswer, HttpRequest, HttpTransport } from '../outbound/http-transport.ts';
export { type ImportOptions, importInto } from './import-into.ts';
