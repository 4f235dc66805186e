import { Hono } from 'hono';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { jsonErrors, refuseMethod } from './errors/json-errors.ts';

export interface HealthContext {
  readonly metrics: Pick<Metrics, 'registry' | 'scrape'>;
  /** Asks the object store something cheap; throws when it does not answer. */
  readonly checkStore: () => Promise<void>;
  /** True from the moment the server has begun to stop. */
  readonly stopping: () => boolean;
  readonly log: Logger;
}

/** Whether the server can serve: the object store answers, and the server is not stopping. */
type Readiness =
  | { readonly status: 'ready' | 'stopping' }
  | { readonly status: 'unavailable'; readonly reason: string };

/** Answers whoever watches the server, the public with a word, operators with reasons and metrics. */
export class Health {
  private readonly context: HealthContext;
  private looking: Promise<Readiness> | undefined;
  private troubled = false;

  constructor(context: HealthContext) {
    this.context = context;
  }

  /**
   * What anybody may ask: `/healthz` (the process answers) and `/readyz` (it can serve), both without a reason.
   * @param metrics adds `/metrics`, where operators have no address of their own
   */
  publicRoutes({ metrics }: { readonly metrics: boolean }): Hono {
    const app = this.routes(({ status }) => ({ status }));
    if (metrics) this.addMetrics(app);
    return app;
  }

  /** What operators ask, at an address that is theirs: the same with reasons, and `/metrics` (Prometheus text). */
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

  /** However many ask at once, the store is asked once. */
  private async readiness(): Promise<Readiness> {
    if (this.context.stopping()) return { status: 'stopping' };
    this.looking ??= this.look().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async look(): Promise<Readiness> {
    const { checkStore, log } = this.context;
    try {
      await checkStore();
      if (this.troubled) log.info('ready again');
      this.troubled = false;
      return { status: 'ready' };
    } catch (error) {
      const reason = messageOf(error);
      if (!this.troubled) log.warn({ reason }, 'not ready');
      this.troubled = true;
      return { status: 'unavailable', reason };
    }
  }
}
