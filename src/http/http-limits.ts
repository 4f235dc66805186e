import type { LeastPace } from '../lib/pace.ts';

/** Limits for all clients together, and for those of one network address. */
export interface HttpLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly requests: number;
  readonly requestsPerAddress: number;
  /** Number of proxies in front of this server whose `X-Forwarded-For` entries are believed. */
  readonly trustedProxies: number;
  /** The minimum rate at which a client has to send while the server waits, and to read what the server sends. */
  readonly leastPace: LeastPace;
}

/** The settings that the limits come from. */
export interface LimitSettings {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxRequestsPerAddress: number;
  readonly trustedProxies: number;
  /** Bytes a second. */
  readonly minRate: number;
  /** Milliseconds. */
  readonly idleTimeout: number;
}

/** Maximum number of git requests at the same time. */
const REQUESTS = 2_048;

/**
 * Length of the system's queue of connections that the server has not accepted yet; `net.core.somaxconn` may make it shorter. If
 * it is full, the system drops a client's first packet, and the client tries again only after seconds.
 */
export const BACKLOG = 4_096;

/** Milliseconds that a client may take for the TLS handshake. */
export const HANDSHAKE_MS = 30_000;

/** Options of Node's server, in milliseconds. */
export const TIME_LIMITS = {
  /** How long a client may take to send the head of a request. */
  headersTimeout: 30_000,
  /** How long an idle connection is kept open for its next request. */
  keepAliveTimeout: 75_000,
  /** How often Node checks these limits. */
  connectionsCheckingInterval: 5_000,
} as const;

/** The limits that follow from the settings. */
export function httpLimits(settings: LimitSettings): HttpLimits {
  return {
    connections: settings.maxConnections,
    connectionsPerAddress: settings.maxConnectionsPerAddress,
    requests: REQUESTS,
    requestsPerAddress: settings.maxRequestsPerAddress,
    trustedProxies: settings.trustedProxies,
    leastPace: { bytesPerSecond: settings.minRate, patience: settings.idleTimeout },
  };
}
