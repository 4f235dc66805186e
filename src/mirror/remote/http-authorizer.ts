import type { Clock } from '../../lib/clock.ts';
import {
  authorizationOf,
  basicAuthorization,
  type Credentials,
  credentialsOf,
  decoded,
  mayCarryCredentials,
} from '../../outbound/credentials.ts';
import type { HttpAnswer } from '../../outbound/http-transport.ts';
import type { Secrets } from '../../outbound/secrets.ts';
import type { CredentialHelper, FilledCredential } from './credential-helper.ts';

export interface AuthorizerOptions {
  /** The address as it was given; a password in it counts as credentials. */
  readonly address: URL;
  /** Sent only to the host of the address. If they are given, no helper is asked. */
  readonly credentials: Credentials | undefined;
  /** Asked if a server wants credentials. */
  readonly helper: CredentialHelper | undefined;
  /** True if certificates are not checked: then the helper is not asked for another host. */
  readonly insecureTls: boolean;
  readonly clock: Clock;
  readonly secrets: Secrets;
}

/** A credential of the helper, for the origin that asked for it. */
interface Tentative {
  readonly origin: string;
  readonly credential: FilledCredential;
  told: boolean;
}

/** Decides which credentials a request carries, and learns from answers which are good. */
export class HttpAuthorizer {
  private readonly options: AuthorizerOptions;
  private readonly explicit: Credentials | undefined;
  private filled: Tentative | undefined;

  constructor(options: AuthorizerOptions) {
    this.options = options;
    this.explicit = options.credentials ?? credentialsOf(options.address);
  }

  /** The headers with credentials. @param repository the URL of the repository, in the request */
  headersFor(repository: URL): Readonly<Record<string, string>> {
    const { address, clock, secrets } = this.options;
    if (this.explicit !== undefined) {
      if (!mayCarryCredentials(address, repository)) return {};
      return { Authorization: authorizationOf(this.explicit, plain(repository), clock, secrets) };
    }
    if (this.filled?.origin !== repository.origin) return {};
    const { userName, secret, scheme } = this.filled.credential;
    if (scheme === undefined) return { Authorization: basicAuthorization(userName, secret, secrets) };
    secrets.add(secret);
    return { Authorization: `${scheme} ${secret}` };
  }

  /** Whether a request to a repository goes without credentials, although the helper may know some. */
  mayLearnMore(repository: URL): boolean {
    if (this.explicit !== undefined || this.options.helper === undefined) return false;
    return this.filled?.origin !== repository.origin;
  }

  /**
   * Asks the helper, after a server has refused a request without credentials.
   * @returns true if the request is worth another try
   * @throws the signal's reason
   */
  async learn(repository: URL, { headers }: HttpAnswer, signal: AbortSignal): Promise<boolean> {
    const { helper, address, insecureTls } = this.options;
    if (helper === undefined || !this.mayLearnMore(repository)) return false;
    if (insecureTls && repository.hostname !== address.hostname) return false;
    const challenge = headers['www-authenticate'];
    const userName = repository.origin === address.origin ? decoded(address.username) : '';
    const question = {
      url: repository,
      userName: userName === '' ? undefined : userName,
      challenges: challenge === undefined ? [] : [challenge],
    };
    const credential = await helper.fill(question, signal);
    if (credential === undefined) return false;
    this.filled = { origin: repository.origin, credential, told: false };
    return true;
  }

  /** The server has answered as it should. */
  async accepted(repository: URL, signal: AbortSignal): Promise<void> {
    const tentative = this.untold(repository);
    if (tentative === undefined) return;
    tentative.told = true;
    await this.options.helper?.approve(tentative.credential, signal);
  }

  /** The server has refused (401 or 403) what the helper knows: it is not used again. */
  async refused(repository: URL, signal: AbortSignal): Promise<void> {
    const tentative = this.filled;
    if (tentative?.origin !== repository.origin) return;
    this.filled = undefined;
    await this.options.helper?.reject(tentative.credential, signal);
  }

  private untold(repository: URL): Tentative | undefined {
    return this.filled?.origin === repository.origin && !this.filled.told ? this.filled : undefined;
  }
}

function plain(url: URL): string {
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
