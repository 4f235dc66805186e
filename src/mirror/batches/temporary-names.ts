/**
 * Names of the refs that keep, on a target, what a run has sent of refs that are not whole yet. A name says which run has made it, and
 * when. So a run tells its own from those of another one, which may still be under way.
 */
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { TEMPORARY_PREFIX } from '../plan/ref-scope.ts';

/** A run gives a chain a new name after this time, so that its refs never look left over. In seconds. */
const RENEWED_AFTER = 3_600;
/** Age in seconds after which a temporary ref counts as abandoned. It leaves five hours for one pack and clock differences. */
const LEFT_OVER_AFTER = 6 * 3_600;

/** `<date in seconds since 1970>-<run>-<number>` */
const FORM = /^(\d{1,12})-([0-9a-f]{16})-\d+$/;

interface Named {
  readonly name: string;
  /** When it was made: seconds. */
  readonly at: number;
}

/** The temporary refs of one run. */
export class TemporaryNames {
  private readonly clock: Clock;
  private readonly run: string;
  /** By chain of commits. */
  private readonly names = new Map<number, Named>();
  private made = 0;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.clock = clock;
    this.run = random.hex(8);
  }

  /** The ref of a chain: the same one for an hour, and none that anybody else has. */
  of(chain: number): string {
    const now = this.now();
    const known = this.names.get(chain);
    if (known !== undefined && now < known.at + RENEWED_AFTER) return known.name;
    this.made += 1;
    const name = `${TEMPORARY_PREFIX}${now}-${this.run}-${this.made}`;
    this.names.set(chain, { name, at: now });
    return name;
  }

  /** Somebody else has changed the ref of a chain, which gets another one. */
  replace(chain: number): void {
    this.names.delete(chain);
  }

  /** True for a ref that this run has made. */
  isOwn(name: string): boolean {
    return partsOf(name)?.run === this.run;
  }

  /** True for a ref that no run works on: it is too old, from a clock that was far ahead, or has a name that no run gives. */
  isLeftOver(name: string): boolean {
    const parts = partsOf(name);
    return parts === undefined || Math.abs(this.now() - parts.at) > LEFT_OVER_AFTER;
  }

  private now(): number {
    return Math.floor(this.clock.now() / 1000);
  }
}

function partsOf(name: string): { readonly at: number; readonly run: string } | undefined {
  const [, at, run] = FORM.exec(name.slice(TEMPORARY_PREFIX.length)) ?? [];
  return at === undefined || run === undefined ? undefined : { at: Number(at), run };
}
