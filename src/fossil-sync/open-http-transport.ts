import type { Clock } from '../lib/clock.ts';
import { systemClock } from '../lib/clock.ts';
import { CairnError } from '../lib/errors.ts';
import type { AddressGuard } from '../outbound/address-guard.ts';
import { decoded } from '../outbound/credentials.ts';
import { parseUrl } from '../outbound/display-url.ts';
import type { TraceSink } from '../outbound/http-trace.ts';
import type { HttpTransport as HttpCarrier } from '../outbound/http-transport.ts';
import { NodeTransport } from '../outbound/node-transport.ts';
import { Secrets } from '../outbound/secrets.ts';
import { uncounted } from '../outbound/traffic.ts';
import type { WaitingTimes } from '../outbound/waiting-times.ts';
import { CLIENT_LIMITS } from './client/client-limits.ts';
import type { Account } from './client/sync-options.ts';
import { HttpTransport } from './http-transport.ts';

/** How a server is reached. */
export interface HttpTransportSettings {
  /** `http(s)://[user[:password]@]host[:port]/path`. */
  readonly url: string;
  /** User and password of `Authorization: Basic`, for a proxy in front of the server. */
  readonly basic?: Account;
  /** Let redirects lead to other hosts. */
  readonly followRedirects?: boolean;
  /** Accept any certificate. */
  readonly insecureTls?: boolean;
  /** Decides which addresses are connected to; every one if absent. */
  readonly guard?: AddressGuard;
  readonly waitingTimes?: Partial<WaitingTimes>;
  /** Gets lines about each request. */
  readonly trace?: TraceSink;
  readonly clock?: Clock;
  /** Carries the requests instead of the network. */
  readonly carrier?: HttpCarrier;
  /** Longest reply in bytes. */
  readonly maxReplyBytes?: number;
}

/** A transport over HTTP that is closed after use. */
export interface OpenedHttpTransport extends AsyncDisposable {
  readonly transport: HttpTransport;
  /** The user and the password in the URL, for the login. */
  readonly account: Account | undefined;
}

/** Version in the name that servers see. Stock servers tell browsers from clients by it. */
const USER_AGENT = 'Fossil/2.26 (Cairn)';

/** @throws CairnError `invalid` if the URL is not one of HTTP */
export function openHttpTransport(settings: HttpTransportSettings): OpenedHttpTransport {
  const { clock = systemClock, guard, insecureTls, trace, waitingTimes, basic, followRedirects } = settings;
  const url = parseUrl(settings.url);
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new CairnError('invalid', 'this is not the URL of a Fossil repository: use http:// or https://');
  }
  const secrets = new Secrets();
  const user = decoded(url.username);
  const password = decoded(url.password);
  if (password !== '') secrets.add(password, user);
  const carrier =
    settings.carrier ??
    new NodeTransport({
      clock,
      ...(guard === undefined ? {} : { guard }),
      ...(insecureTls === undefined ? {} : { insecureTls }),
      ...(trace === undefined ? {} : { trace }),
      ...(waitingTimes === undefined ? {} : { waitingTimes }),
    });
  const transport = new HttpTransport({
    url,
    transport: carrier,
    secrets,
    traffic: uncounted,
    userAgent: USER_AGENT,
    maxReplyBytes: settings.maxReplyBytes ?? CLIENT_LIMITS.replyBytes,
    ...(basic === undefined ? {} : { basic }),
    ...(followRedirects === undefined ? {} : { followRedirects }),
  });
  return {
    transport,
    account: user === '' ? undefined : { user, password },
    [Symbol.asyncDispose]: async () => carrier[Symbol.asyncDispose](),
  };
}
