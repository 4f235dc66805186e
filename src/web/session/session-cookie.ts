const NAME = 'cairn-session';

/**
 * The cookie of a session. No script can read it, and browsers send it only to this service: over HTTPS if the service has it,
 * below its path, and with requests of other sites only where somebody follows a link (`SameSite=Lax`). Where the service has a
 * host of its own, the name says so (`__Host-`), and no neighbour in the domain can set it.
 */
export class SessionCookie {
  /** For the reference and for tests. */
  readonly name: string;
  private readonly attributes: string;

  /** @param base the public base URL of the service, without a slash at its end */
  constructor(base: string) {
    const { protocol, pathname } = new URL(base);
    const isSecure = protocol === 'https:';
    this.name = !isSecure ? NAME : pathname === '/' ? `__Host-${NAME}` : `__Secure-${NAME}`;
    this.attributes = `Path=${pathname}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  }

  /**
   * @param header the value of `Cookie`
   * @returns the text of the session; undefined if there is none. Several count as none: somebody else may have set one of them
   */
  read(header: string | undefined): string | undefined {
    const texts = (header ?? '').split(';').flatMap((pair) => {
      const at = pair.indexOf('=');
      return at > 0 && pair.slice(0, at).trim() === this.name ? [pair.slice(at + 1).trim()] : [];
    });
    return texts.length === 1 ? texts[0] : undefined;
  }

  /** The value of `Set-Cookie` that begins a session. @param seconds that it lasts */
  begin(text: string, seconds: number): string {
    return `${this.name}=${text}; Max-Age=${seconds}; ${this.attributes}`;
  }

  /** The value of `Set-Cookie` that ends one. */
  end(): string {
    return `${this.name}=; Max-Age=0; ${this.attributes}`;
  }
}
