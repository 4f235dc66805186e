let create: () => CommitProof;

/**
 * Proof that a publish has succeeded: the pointer was swapped to a manifest that contains the change. A report says
 * `ok` only with this value, and only the code that swaps creates one. So no client is told of a change that is not
 * published. A private field makes the type nominal: no other object can take its place.
 */
export class CommitProof {
  readonly #committed = true;

  private constructor() {
    Object.freeze(this);
  }

  static {
    create = () => new CommitProof();
  }

  /** True if `value` was made by {@link mintCommitProof}, whatever its static type is. */
  static isProof(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #committed in value && value.#committed;
  }
}

/** Creates a commit proof. Only a publish whose swap has just succeeded may call it. */
export function mintCommitProof(): CommitProof {
  return create();
}
