import type { LeastPace } from '../lib/pace.ts';

/** What is borne from all clients, and from those of one network address. */
export interface HttpLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly requests: number;
  readonly requestsPerAddress: number;
  /** Proxies in front of this server whose word on who calls is believed. */
  readonly trustedProxies: number;
  /** How fast a client has to send what it is waited for, and to take what is waiting for it. */
  readonly leastPace: LeastPace;
}

/** The settings that limits are made of. */
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

/** Git requests answered at once. */
const REQUESTS = 2_048;

/**
 * Connections that the system keeps until the server takes them up; it keeps fewer where `net.core.somaxconn` says so. Beyond them
 * it drops what a client sends first, and honest clients try again after seconds only.
 */
export const BACKLOG = 4_096;

/** Milliseconds that a client may take for its part of TLS. */
export const HANDSHAKE_MS = 30_000;

/** Milliseconds, as Node's server takes them. */
export const TIME_LIMITS = {
  /** How long a client may take for the head of a request. */
  headersTimeout: 30_000,
  /** How long an idle connection is kept for its next request. */
  keepAliveTimeout: 75_000,
  /** How often it is looked for clients that took longer. */
  connectionsCheckingInterval: 5_000,
} as const;

/** What the settings say of connections and requests. */
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
