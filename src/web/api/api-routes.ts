import { Hono } from 'hono';
import { loadCode } from '../code/load-code.ts';
import { loadFossilPages } from '../fossil/load-fossil-pages.ts';
import { MadePage } from '../made-page.ts';
import { loadNostr } from '../nostr/load-nostr.ts';
import { sendPage } from '../send-page.ts';

/** The description of the API. */
export function apiRoutes(base: string): Hono {
  // Conversion of all schemas takes some time, and programs ask rarely.
  let description: MadePage | undefined;
  return new Hono().get('/openapi.json', async (c) => {
    if (description === undefined) {
      const [{ openApi }, code, fossilPages, nostr] = await Promise.all([
        import('./open-api.ts'),
        loadCode(),
        loadFossilPages(),
        loadNostr(),
      ]);
      description = new MadePage(
        Buffer.from(JSON.stringify(openApi(base, [...code.pages, ...nostr.pages], fossilPages))),
      );
    }
    return sendPage(c, description, 'json');
  });
}
