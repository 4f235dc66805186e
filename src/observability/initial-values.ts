import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/**
 * Label values that are known in advance. Their series exist with 0 from the start, so that `increase()` counts the
 * first event: it ignores the first value of a new series.
 */
const ROUTES = [
  'git info/refs',
  'git git-upload-pack',
  'git git-receive-pack',
  'git other',
  '/healthz',
  '/readyz',
  '/metrics',
  'fossil',
  'other',
];
const FOSSIL_OPERATIONS = ['clone', 'sync', 'push', 'pull', 'other'];
const STATUSES = ['200', '400', '401', '403', '404', '405', '409', '413', '500', '503'];
const COMMANDS = [
  'upload-pack',
  'index-pack',
  'rev-list',
  'cat-file',
  'merge-base',
  'pack-objects',
  'commit-graph',
];
const TRAFFIC = ['control', 'bulk'];
const STORE_OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  get: ['found', 'missing', 'not-modified', 'aborted', 'failed'],
  head: ['found', 'missing', 'aborted', 'failed'],
  put: ['written', 'exists', 'changed', 'conflict', 'missing', 'unknown', 'aborted', 'failed'],
  list: ['listed', 'aborted', 'failed'],
  delete: ['deleted', 'aborted', 'failed'],
};
const FETCHED_BY = ['stored', 'spliced', 'elsewhere', 'cached', 'followed', 'git', 'refused', 'broken'];
const EVENT_ANSWERS = [
  'accepted',
  'duplicate',
  'purgatory',
  'invalid',
  'blocked',
  'restricted',
  'auth-required',
  'error',
];
const PUBLISH_OUTCOMES = ['published', 'unchanged', 'busy', 'unknown', 'failed'];
const FOLD_OUTCOMES = ['folded', 'rolled up', 'nothing to do', 'leased', 'superseded', 'failed', 'refused'];
const MIRROR_OUTCOMES = ['changed', 'unchanged', 'failed', 'leased'];
const MIRROR_CONDITIONS = ['new', 'current', 'failing', 'paused'];
const LIMITS = ['connections', 'address-connections', 'requests', 'address-requests', 'pace'];
const ANSWERS = ['passed', 'recorded', 'followed', 'cached'];

/** The classes of refused refs, as in `policy/refusal.ts`. */
const REFUSALS = [
  'overtaken',
  'identity',
  'protected',
  'signed state',
  'name',
  'object',
  'pack',
  'limit',
  'busy',
  'server',
];

/** Creates all series whose labels are known in advance. */
export function startAtZero(registry: Registry): void {
  const begin = (name: string, labels: Readonly<Record<string, string>>) => {
    const metric = registry.getSingleMetric(name);
    if (metric instanceof Counter) metric.inc(labels, 0);
    else if (metric instanceof Histogram) metric.zero(labels);
    else if (metric instanceof Gauge) metric.set(labels, 0);
    else throw new TypeError(`${name} is no metric that begins at 0`);
  };
  for (const route of ROUTES) {
    for (const status of STATUSES) begin('cairn_http_requests_total', { route, status });
    begin('cairn_http_request_seconds', { route });
    begin('cairn_http_received_bytes_total', { route });
    begin('cairn_http_sent_bytes_total', { route });
  }
  for (const limit of LIMITS) begin('cairn_clients_refused_total', { limit });
  for (const command of COMMANDS) {
    begin('cairn_git_processes_total', { command });
    begin('cairn_git_failures_total', { command });
    begin('cairn_git_process_seconds', { command });
  }
  for (const by of FETCHED_BY) begin('cairn_fetch_answers_total', { by });
  for (const traffic of TRAFFIC) {
    for (const [operation, outcomes] of Object.entries(STORE_OUTCOMES)) {
      for (const outcome of outcomes) begin('cairn_store_requests_total', { traffic, operation, outcome });
      begin('cairn_store_request_seconds', { traffic, operation });
    }
    for (const operation of ['get', 'put']) begin('cairn_store_bytes_total', { traffic, operation });
  }
  for (const answer of EVENT_ANSWERS) begin('cairn_relay_events_total', { answer });
  for (const outcome of PUBLISH_OUTCOMES) {
    begin('cairn_publishes_total', { outcome });
    begin('cairn_published_changes_total', { outcome });
  }
  for (const outcome of FOLD_OUTCOMES) {
    begin('cairn_folds_total', { outcome });
    begin('cairn_fold_seconds', { outcome });
  }
  for (const direction of ['pull', 'push']) {
    for (const outcome of MIRROR_OUTCOMES) {
      begin('cairn_mirror_runs_total', { direction, outcome });
      begin('cairn_mirror_run_seconds', { direction, outcome });
    }
    for (const condition of MIRROR_CONDITIONS) begin('cairn_mirrors', { direction, condition });
    begin('cairn_mirror_lag_seconds', { direction });
  }
  for (const operation of FOSSIL_OPERATIONS) {
    for (const outcome of ['answered', 'refused'])
      begin('cairn_fossil_requests_total', { operation, outcome });
  }
  for (const direction of ['received', 'sent']) {
    begin('cairn_fossil_artifacts_total', { direction });
    begin('cairn_fossil_message_bytes_total', { direction });
  }
  for (const result of ['hit', 'miss']) begin('cairn_artifact_cache_looks_total', { result });
  for (const result of ANSWERS) begin('cairn_answer_cache_total', { result });
  for (const reason of REFUSALS) begin('cairn_push_refused_refs_total', { reason });
}
