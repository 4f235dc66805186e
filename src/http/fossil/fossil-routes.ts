import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { contentTypeOf } from '../../fossil/framing.ts';
import { type ExchangeHost, refuseInChunks } from '../../fossil-sync/server/exchange.ts';
import type { ByteBudget } from '../../lib/byte-budget.ts';
import { CairnError, isCairnError, messageOf } from '../../lib/errors.ts';
import { fossilUrl } from '../../nostr/repository-url.ts';
import type { Logger } from '../../observability/logger.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { isPublic } from '../../transfer/repository-access.ts';
import type { HttpEnv } from '../http-env.ts';
import type { Expectations } from '../middleware/expectation.ts';
import type { RequestSlots } from '../middleware/request-slots.ts';
import { slots } from '../middleware/slots.ts';
import { untilGone } from '../middleware/until-gone.ts';
import { type AdmissionContext, admitSender } from './admit-sender.ts';
import { answerFossil, turnsForLargeMessages } from './answer-fossil.ts';
import { parseFossilPath } from './fossil-path.ts';
import { writeFossilReply } from './fossil-reply.ts';

export interface FossilRoutesContext extends AdmissionContext {
  readonly round: ExchangeHost['round'];
  /** Bytes of a message, uncompressed. */
  readonly messageBytes: number;
  readonly cards?: ExchangeHost['cards'];
  readonly scratch: ExchangeHost['scratch'];
  /** For the messages of all requests. */
  readonly memory: ByteBudget;
}

const PATH = '/fossil/:owner/:identifier';
const PATHS = [PATH, `${PATH}/`];

/**
 * Requests of Fossil clients: POST to the URL of a repository. Their type tells them from everything else. Whatever is wrong is
 * told in a reply of the protocol, because clients show nothing of any other answer but its status.
 */
export function fossilRoutes(
  context: FossilRoutesContext,
  server: { readonly log: Logger; readonly expectations: Expectations; readonly requestSlots: RequestSlots },
): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  const turns = turnsForLargeMessages();
  for (const path of PATHS) {
    app.post(path, untilGone, slots(server.requestSlots), async (c, next) => {
      const { incoming, outgoing } = c.env;
      const type = contentTypeOf(incoming.headers['content-type']);
      if (type === undefined) return next();
      await answerFossil(
        incoming,
        outgoing,
        type,
        hostOf(context, c.env.path, incoming.headers.authorization),
        {
          memory: context.memory,
          turns,
          pace: c.get('client').sending,
          taking: c.get('client').taking,
          onRead: () => server.expectations.meet(incoming),
          ...signalOf(c.get('signal')),
        },
      );
      return RESPONSE_ALREADY_SENT;
    });
  }
  // A git client that was given this URL asks for its refs, and shows the text of the answer.
  app.get(`${PATH}/info/refs`, async (c, next) => {
    const id = parseFossilPath(c.env.path.replace(/\/info\/refs$/, ''));
    const state = id === undefined ? undefined : (await context.repositories.get(id).resolve())?.manifest;
    if (id === undefined || !isPublic(state)) return next();
    const url = fossilUrl(context.base, id.owner, id.identifier);
    return c.text(`this is a Fossil repository: use "fossil clone ${url}"\n`, 404);
  });
  app.onError(async (error, c) => {
    const { incoming, outgoing } = c.env;
    const requestId = c.get('requestId');
    const type = contentTypeOf(incoming.headers['content-type']);
    if (c.get('signal')?.aborted === true || outgoing.headersSent || type === undefined) {
      server.log.info(
        { requestId, path: incoming.url, reason: messageOf(error) },
        'fossil request broken off',
      );
      outgoing.destroy();
      return RESPONSE_ALREADY_SENT;
    }
    const isRefusal = isCairnError(error) && error.kind !== 'unavailable' && error.kind !== 'corrupt';
    server.log[isRefusal ? 'info' : 'error'](
      { requestId, path: incoming.url, err: error },
      'fossil request failed',
    );
    if (!incoming.complete) outgoing.setHeader('Connection', 'close');
    await writeFossilReply(
      outgoing,
      await refuseInChunks(hostOf(context, c.env.path, undefined), type, error),
    );
    incoming.resume();
    return RESPONSE_ALREADY_SENT;
  });
  return app;
}

function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** What answers the requests to one path. */
function hostOf(context: FossilRoutesContext, path: string, authorization: string | undefined): ExchangeHost {
  const id: RepositoryId | undefined = parseFossilPath(path);
  const { round, messageBytes, cards, scratch } = context;
  return {
    round,
    messageBytes,
    scratch,
    ...(cards === undefined ? {} : { cards }),
    admit: async (login, message, from) => {
      if (id === undefined) {
        throw new CairnError(
          'not-found',
          'this is not the URL of a repository: <server>/fossil/<npub>/<name>',
        );
      }
      return admitSender(context, id, { login, message }, authorization, from);
    },
  };
}
