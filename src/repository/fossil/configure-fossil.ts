import { CairnError } from '../../lib/errors.ts';
import type { Change, Evaluation } from '../change.ts';
import type { FossilManifest, FossilState } from './fossil-manifest.ts';

/** Sets what a Fossil repository is called by others. A repository that is not there, or not any more, stays as it is. */
abstract class Configuration implements Change<FossilManifest, void> {
  readonly since: number;
  private readonly actor: string | null;

  /** @param actor public key of who asked for it; null where everybody may */
  constructor(actor: string | null, since: number) {
    this.actor = actor;
    this.since = since;
  }

  async evaluate(current: FossilState | undefined): Promise<Evaluation<FossilManifest, void>> {
    const next =
      current === undefined || current.lifecycle === 'withdrawn' ? undefined : this.configured(current);
    if (next === undefined) return { result: undefined };
    const cause = {
      kind: 'configure',
      actor: this.actor,
      evidence: null,
      artifacts: 0,
      unversioned: 0,
    } as const;
    return { next, cause, result: undefined };
  }

  /** @returns undefined if nothing is to be changed */
  protected abstract configured(current: FossilState): FossilState | undefined;
}

/** Gives an empty repository the code of the project that is about to be pushed into it. */
export class AdoptProject extends Configuration {
  private readonly projectCode: string;

  /** @param projectCode 40 hex digits */
  constructor(projectCode: string, actor: string | null, since: number) {
    super(actor, since);
    this.projectCode = projectCode;
  }

  /** A repository that has something belongs to its project for good. */
  protected configured(current: FossilState): FossilState | undefined {
    if (current.packs.length > 0 || current.projectCode === this.projectCode) return undefined;
    return { ...current, projectCode: this.projectCode };
  }
}

/** Keys whose passwords one repository may have revoked by themselves. Entries never leave. */
const KEYS_REVOKED = 1_000;

/** Ends the passwords of one key. */
export class RevokeKeyPasswords extends Configuration {
  private readonly key: string;
  private readonly series: number;

  /**
   * @param key whose passwords end
   * @param series greater than the number that is published for this key; if another server was first, that is enough
   */
  constructor(key: string, series: number, actor: string, since: number) {
    super(actor, since);
    this.key = key;
    this.series = series;
  }

  /** @throws CairnError `conflict` if the passwords of too many keys were revoked one by one */
  protected configured(current: FossilState): FossilState | undefined {
    const { keySeries = {} } = current;
    const before = keySeries[this.key] ?? 0;
    if (before >= this.series) return undefined;
    if (before === 0 && Object.keys(keySeries).length >= KEYS_REVOKED) {
      throw new CairnError(
        'conflict',
        `the passwords of ${KEYS_REVOKED} keys were revoked one by one: revoke all passwords instead`,
      );
    }
    return { ...current, keySeries: { ...keySeries, [this.key]: this.series } };
  }
}

/** Ends all passwords of a repository: the number is part of each of them. */
export class SetPasswordSeries extends Configuration {
  private readonly series: number;

  /** @param series greater than the number that is published; if another server was first, that is enough */
  constructor(series: number, actor: string, since: number) {
    super(actor, since);
    this.series = series;
  }

  protected configured(current: FossilState): FossilState | undefined {
    return current.passwordSeries >= this.series ? undefined : { ...current, passwordSeries: this.series };
  }
}
