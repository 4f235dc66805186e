/** A source of credentials, such as `git credential` (git-credential(1)), for remotes that want them. */
export interface CredentialHelper {
  /** @returns undefined if it has none. @throws only the signal's reason */
  fill(question: CredentialQuestion, signal: AbortSignal): Promise<FilledCredential | undefined>;
  /** The credential was accepted. @param signal nobody waits any longer */
  approve(credential: FilledCredential, signal?: AbortSignal): Promise<void>;
  /** The credential was refused. @param signal nobody waits any longer */
  reject(credential: FilledCredential, signal?: AbortSignal): Promise<void>;
}

export interface CredentialQuestion {
  /** The URL of the repository at the server that asks, without password. A user name narrows the question. */
  readonly url: URL;
  readonly userName: string | undefined;
  /** The `WWW-Authenticate` headers. */
  readonly challenges: readonly string[];
}

/** A credential, as `git credential` describes it: what it said, to be given back to it. */
export interface FilledCredential {
  /** All lines, without the capabilities. */
  readonly description: readonly string[];
  readonly userName: string;
  /** A password; or what follows the scheme in `Authorization`, if `scheme` is given. */
  readonly secret: string;
  readonly scheme?: string;
}
