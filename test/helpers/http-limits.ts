import type { HttpLimits } from '../../src/http/http-limits.ts';

/** What a server of a test bears: more than any test that is not about limits does. */
export const HTTP_LIMITS: HttpLimits = {
  connections: 1_024,
  connectionsPerAddress: 1_024,
  requests: 64,
  requestsPerAddress: 64,
  trustedProxies: 0,
  leastPace: { bytesPerSecond: 512, patience: 30_000 },
};
