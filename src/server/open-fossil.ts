/** Composes what serves Fossil repositories: passwords, rounds, and the memory that requests share. */
import type { Settings } from '../config/settings.ts';
import { ProjectPasswords } from '../fossil-sync/login/project-passwords.ts';
import { ROUND_LIMITS } from '../fossil-sync/server/round-limits.ts';
import type { FossilRoutesContext } from '../http/fossil/fossil-routes.ts';
import { ByteBudget } from '../lib/byte-budget.ts';
import type { Clock } from '../lib/clock.ts';
import { hkdfSha256 } from '../lib/hkdf.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { COMPRESSED_BEFORE_FOLDS } from '../repository/fossil/intake-limits.ts';
import { fossilObserver } from './metrics-adapters.ts';
import type { OpenedRepositories } from './open-repositories.ts';

export interface FossilParts {
  readonly settings: Settings;
  readonly opened: Pick<OpenedRepositories, 'repositories' | 'fossil' | 'fossilScratch'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The public base URL, without a trailing slash. */
  readonly base: string;
  /** The secret key of the service, 64 hex characters. */
  readonly serviceKey: string;
  /** The public key of the service, in hex. */
  readonly publicKey: string;
}

/** Bytes of the messages of all requests that are in memory: as they travel, and uncompressed. What has no room goes to disk. */
const MEMORY_BYTES = 64 * 2 ** 20;

const COOKIE_SALT = 'cairn fossil clone cookies v1';

/** What answers Fossil clients. */
export function openFossil(parts: FossilParts): FossilRoutesContext {
  const { settings, opened, clock, log, metrics, base, serviceKey, publicKey } = parts;
  const { maxMessage, maxArtifact, maxArtifacts, maxExpanded, maxUnversioned } = settings.fossil;
  const { replyBytes, replyMilliseconds } = settings.fossil;
  return {
    repositories: opened.fossil,
    gitRepositories: opened.repositories,
    passwords: new ProjectPasswords(serviceKey),
    access: settings.access,
    base,
    clock,
    messageBytes: maxMessage,
    cards: { payload: maxArtifact },
    intake: {
      artifact: maxArtifact,
      records: maxArtifacts,
      expanded: maxExpanded,
      unversioned: maxUnversioned,
      ...(settings.fold ? { compressed: COMPRESSED_BEFORE_FOLDS } : {}),
    },
    memory: new ByteBudget(MEMORY_BYTES),
    scratch: opened.fossilScratch,
    round: {
      clock,
      limits: { ...ROUND_LIMITS, replyBytes, replyMilliseconds },
      cookieKey: hkdfSha256(Buffer.from(serviceKey, 'hex'), COOKIE_SALT, Buffer.alloc(0), 32),
      serverCode: publicKey.slice(0, 40),
      observer: fossilObserver(metrics, log),
    },
  };
}
