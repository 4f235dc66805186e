import { Hono } from 'hono';
import { messageOf } from '../lib/errors.ts';
import type { Metrics } from '../observability/metrics.ts';

export interface HealthRoutesContext {
  readonly metrics: Metrics;
  /** Asks the object store something cheap; throws when it does not answer. */
  readonly checkStore: () => Promise<void>;
  /** True from the moment the server has begun to stop. */
  readonly stopping: () => boolean;
}

/**
 * For whoever watches the server: `/healthz` (the process answers), `/readyz` (it can serve: the object store answers
 * and the server is not stopping), `/metrics` (Prometheus text).
 */
export function healthRoutes(context: HealthRoutesContext): Hono {
  const app = new Hono();
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', async (c) => {
    if (context.stopping()) return c.json({ status: 'stopping' }, 503);
    try {
      await context.checkStore();
      return c.json({ status: 'ready' });
    } catch (error) {
      return c.json({ status: 'unavailable', reason: messageOf(error) }, 503);
    }
  });
  app.get('/metrics', async (c) => {
    const { registry } = context.metrics;
    return c.text(await registry.metrics(), 200, { 'Content-Type': registry.contentType });
  });
  return app;
}
