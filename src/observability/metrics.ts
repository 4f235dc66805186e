import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { startAtZero } from './initial-values.ts';

/**
 * Every metric of a server, by name. No label names a repository, a user or a key: labels have few values, and logs
 * have the details.
 */
export class Metrics {
  readonly registry = new Registry();

  readonly requests = this.counter('cairn_http_requests_total', 'HTTP requests answered', [
    'route',
    'status',
  ]);
  readonly requestSeconds = this.histogram('cairn_http_request_seconds', 'Time to answer a request whole', [
    'route',
  ]);
  readonly bytesIn = this.counter(
    'cairn_http_received_bytes_total',
    'Bytes read from connections for requests, heads included',
    ['route'],
  );
  readonly bytesOut = this.counter(
    'cairn_http_sent_bytes_total',
    'Bytes written to connections for responses, heads included',
    ['route'],
  );
  readonly requestsActive = this.gauge('cairn_http_requests_active', 'HTTP requests being answered');

  readonly gitStarted = this.counter('cairn_git_processes_total', 'git processes started', ['command']);
  readonly gitFailed = this.counter('cairn_git_failures_total', 'git processes that ended with an error', [
    'command',
  ]);
  readonly gitSeconds = this.histogram('cairn_git_process_seconds', 'Running time of git processes', [
    'command',
  ]);

  readonly fetchAnswers = this.counter('cairn_fetch_answers_total', 'Fetches, by what answered them', ['by']);

  readonly storeRequests = this.counter('cairn_store_requests_total', 'Object store requests', [
    'traffic',
    'operation',
    'outcome',
  ]);
  readonly storeBytes = this.counter('cairn_store_bytes_total', 'Bytes moved to and from the object store', [
    'traffic',
    'operation',
  ]);
  readonly storeSeconds = this.histogram('cairn_store_request_seconds', 'Time of object store requests', [
    'traffic',
    'operation',
  ]);

  readonly relayConnections = this.gauge('cairn_relay_connections', 'Clients connected to the relay');
  readonly relayEvents = this.counter('cairn_relay_events_total', 'Events sent to the relay, by answer', [
    'answer',
  ]);

  readonly fossilRequests = this.counter(
    'cairn_fossil_requests_total',
    'Requests of Fossil clients, by what they asked for and whether they were refused',
    ['operation', 'outcome'],
  );
  readonly fossilArtifacts = this.counter(
    'cairn_fossil_artifacts_total',
    'Artifacts that Fossil clients sent and were sent',
    ['direction'],
  );
  readonly fossilBytes = this.counter(
    'cairn_fossil_message_bytes_total',
    'Bytes of the messages of Fossil clients and of the replies, uncompressed',
    ['direction'],
  );

  readonly publishes = this.counter('cairn_publishes_total', 'Publishes by outcome', ['outcome']);
  readonly publishedChanges = this.counter(
    'cairn_published_changes_total',
    'Pushes and other changes in publishes',
    ['outcome'],
  );
  readonly rebases = this.counter(
    'cairn_publish_rebases_total',
    'Swaps lost to another server and tried again',
  );

  readonly folds = this.counter('cairn_folds_total', 'Folds by outcome', ['outcome']);
  readonly foldSeconds = this.histogram('cairn_fold_seconds', 'Time of folds', ['outcome']);

  readonly mirrorRuns = this.counter('cairn_mirror_runs_total', 'Runs of mirrors, by outcome', [
    'direction',
    'outcome',
  ]);
  readonly mirrorSeconds = this.histogram('cairn_mirror_run_seconds', 'Time of runs of mirrors', [
    'direction',
    'outcome',
  ]);
  readonly mirrors = this.gauge('cairn_mirrors', 'Mirrors that are kept here, by condition', [
    'direction',
    'condition',
  ]);
  readonly mirrorLag = this.gauge(
    'cairn_mirror_lag_seconds',
    'Time for which the mirror that is behind most has been so',
    ['direction'],
  );

  readonly cacheLooks = this.counter('cairn_artifact_cache_looks_total', 'Looks into the artifact cache', [
    'result',
  ]);
  readonly connections = this.gauge('cairn_connections', 'Network connections of clients that are open');
  readonly clientsRefused = this.counter(
    'cairn_clients_refused_total',
    'Connections and requests turned away or cut off, by the limit they met',
    ['limit'],
  );
  readonly spoolBytes = this.gauge('cairn_spool_bytes', 'Bytes on disk that were put aside for slow clients');
  readonly repeatedAnswers = this.counter(
    'cairn_answer_cache_total',
    'Answers of git, by how they were had',
    ['result'],
  );
  readonly answerBytes = this.gauge('cairn_answer_cache_bytes', 'Bytes of recorded answers on disk');
  readonly downloadBytes = this.gauge(
    'cairn_download_cache_bytes',
    'Bytes of archives and large files, made for visitors of pages, on disk',
  );
  readonly cacheBytes = this.gauge('cairn_artifact_cache_bytes', 'Bytes of artifacts on local disk');
  readonly diskFree = this.gauge('cairn_cache_disk_free_bytes', 'Bytes free on the disk of the cache folder');

  readonly refusedRefs = this.counter('cairn_push_refused_refs_total', 'Refs refused in pushes, by reason', [
    'reason',
  ]);
  readonly queued = this.gauge('cairn_queue_length', 'What waits for its turn', ['queue']);
  readonly repositories = this.gauge('cairn_repositories', 'Repositories announced here');
  readonly buildInfo = this.gauge('cairn_build_info', 'What runs here; its value is always 1', [
    'version',
    'git',
    'node',
  ]);

  private readonly readings: (() => void | Promise<void>)[] = [];

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    startAtZero(this.registry);
  }

  private counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  /**
   * Adds a function that sets gauges right before each scrape. It must be cheap, because scrapes come every few
   * seconds.
   */
  beforeScrape(read: () => void | Promise<void>): void {
    this.readings.push(read);
  }

  /** All metrics as Prometheus text. */
  async scrape(): Promise<string> {
    await Promise.all(this.readings.map((read) => read()));
    return this.registry.metrics();
  }

  private gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  private histogram<L extends string>(name: string, help: string, labelNames: readonly L[]): Histogram<L> {
    const buckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600];
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }
}
