let create: () => CommitProof;

/**
 * Evidence that a publish has succeeded: the swap of the pointer that contains a ref has happened. A report
 * says `ok` only with one at hand, and only the code that swaps makes one, so no client can hear of a change
 * that is not there. A private field makes the type nominal: nothing else can stand in for it.
 */
export class CommitProof {
  readonly #committed = true;

  private constructor() {
    Object.freeze(this);
  }

  static {
    create = () => new CommitProof();
  }

  /** True for a proof that was minted, whatever the type system was told. */
  static isProof(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #committed in value && value.#committed;
  }
}

/** Makes a proof. To be called by the publish whose swap has just succeeded, and by nothing else. */
export function mintCommitProof(): CommitProof {
  return create();
}
