import { Hono } from 'hono';
import { findAsset } from './assets.ts';

const YEAR_SECONDS = 31_536_000;

/** The style sheet and the script of pages. Other paths go to the next routes. */
export function assetRoutes(): Hono {
  const app = new Hono();
  app.get('/assets/*', (c, next) => {
    const asset = findAsset(new URL(c.req.url).pathname);
    if (asset === undefined) return next();
    return Promise.resolve(
      c.body(asset.body, 200, {
        'Content-Type': asset.type,
        'Cache-Control': `public, max-age=${YEAR_SECONDS}, immutable`,
        'X-Content-Type-Options': 'nosniff',
      }),
    );
  });
  return app;
}
