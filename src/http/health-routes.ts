import { Hono } from 'hono';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { jsonErrors, refuseMethod } from './errors/json-errors.ts';

export interface HealthContext {
  readonly metrics: Pick<Metrics, 'registry' | 'scrape'>;
  /** Sends a cheap request to the object store; throws if the store does not answer. */
  readonly checkStore: () => Promise<void>;
  /** True once the server has begun to stop. */
  readonly stopping: () => boolean;
  readonly log: Logger;
}

/** Whether the server can serve: the object store answers, and the server is not stopping. */
type Readiness =
  | { readonly status: 'ready' | 'stopping' }
  | { readonly status: 'unavailable'; readonly reason: string };

/** Answers health checks: one word for the public, reasons and metrics for operators. */
export class Health {
  private readonly context: HealthContext;
  private checking: Promise<Readiness> | undefined;
  private isUnavailable = false;

  constructor(context: HealthContext) {
    this.context = context;
  }

  /**
   * Routes for everybody: `/healthz` (the process answers) and `/readyz` (it can serve), both without a reason.
   * @param metrics adds `/metrics`, if operators have no address of their own
   */
  publicRoutes({ metrics }: { readonly metrics: boolean }): Hono {
    const app = this.routes(({ status }) => ({ status }));
    if (metrics) this.addMetrics(app);
    return app;
  }

  /** Routes for operators, at an address of their own: the same with reasons, and `/metrics` (Prometheus text). */
  operatorRoutes(): Hono {
    const app = this.routes((readiness) => readiness);
    this.addMetrics(app);
    return app;
  }

  private routes(tell: (readiness: Readiness) => Readiness | { readonly status: string }): Hono {
    const app = new Hono();
    app.get('/healthz', (c) => c.json({ status: 'ok' }));
    app.get('/readyz', async (c) => {
      const readiness = await this.readiness();
      return c.json(tell(readiness), readiness.status === 'ready' ? 200 : 503);
    });
    for (const path of ['/healthz', '/readyz']) app.all(path, (c) => refuseMethod(c, path));
    app.onError(jsonErrors(this.context.log));
    return app;
  }

  private addMetrics(app: Hono): void {
    const { metrics } = this.context;
    app.get('/metrics', async (c) =>
      c.text(await metrics.scrape(), 200, { 'Content-Type': metrics.registry.contentType }),
    );
    app.all('/metrics', (c) => refuseMethod(c, '/metrics'));
  }

  /** Requests at the same time share one request to the store. */
  private async readiness(): Promise<Readiness> {
    if (this.context.stopping()) return { status: 'stopping' };
    this.checking ??= this.check().finally(() => {
      this.checking = undefined;
    });
    return this.checking;
  }

  private async check(): Promise<Readiness> {
    const { checkStore, log } = this.context;
    try {
      await checkStore();
      if (this.isUnavailable) log.info('ready again');
      this.isUnavailable = false;
      return { status: 'ready' };
    } catch (error) {
      const reason = messageOf(error);
      if (!this.isUnavailable) log.warn({ reason }, 'not ready');
      this.isUnavailable = true;
      return { status: 'unavailable', reason };
    }
  }
}
