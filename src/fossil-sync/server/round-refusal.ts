/** A request that is refused as a whole: the reply is an `error` card with this text, which stock clients show. */
export class RoundRefusal extends Error {
  /** Told beside the error: a clone's first round must learn it to sign its second one. */
  readonly projectCode: string | undefined;

  constructor(text: string, projectCode?: string) {
    super(text);
    this.projectCode = projectCode;
  }
}
