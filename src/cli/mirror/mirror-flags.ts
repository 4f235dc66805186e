/** Flags of `cairn mirror`, as options. */
import { CairnError } from '../../lib/errors.ts';
import type { MirrorOptions } from '../../mirror/mirror.ts';
import { parseMapping, type RefScope } from '../../mirror/plan/ref-scope.ts';
import type { ProtocolVersion } from '../../mirror/remote/connection.ts';
import type { MirrorLimits } from '../../mirror/run/mirror-run.ts';
import { badValue, countValue, sizeValue } from '../flag-values.ts';

/** As commander gives them. */
export interface ScopeFlags {
  readonly branch?: readonly string[];
  readonly map?: readonly string[];
  readonly tags?: boolean;
  readonly allRefs?: boolean;
  readonly excludeRefPrefix?: readonly string[];
}

export interface MirrorFlags extends ScopeFlags {
  readonly prune?: boolean;
  readonly force?: boolean;
  readonly forceWithLease?: boolean;
  readonly bestEffort?: boolean;
  readonly maxPackBytes?: string;
  readonly targetMaxPackBytes?: string;
  readonly targetMaxRefUpdates?: string;
  readonly protocol?: string;
  readonly mode?: string;
  readonly json?: boolean;
  readonly stats?: boolean;
  readonly measure?: boolean;
}

/** The short name of a branch, also if it is given in full. */
function branchName(name: string): string {
  return name.trim().replace(/^refs\/heads\//, '');
}

/** Which refs are meant. A list of branches may be given in one flag, with commas. */
export function scopeOf(flags: ScopeFlags): Partial<RefScope> {
  const listed = (flags.branch ?? []).flatMap((list) => list.split(',')).map(branchName);
  const branches = listed.filter((name) => name !== '');
  // As a script gives it whose variable is empty. To take it for every branch would change, or prune, what nobody has named.
  if (listed.length > 0 && branches.length === 0) {
    throw badValue('--branch', flags.branch?.join(',') ?? '', 'the names of branches');
  }
  const mappings = (flags.map ?? []).map(parseMapping);
  if (mappings.length > 0 && branches.length > 0) {
    throw new CairnError('invalid', '--branch and --map exclude each other: a mapping names its branch');
  }
  return {
    branches,
    mappings,
    tags: flags.tags ?? false,
    allRefs: flags.allRefs ?? false,
    excludedPrefixes: flags.excludeRefPrefix ?? [],
  };
}

/** What a run may do. `--force` and `--force-with-lease` are the same here: what was listed is always compared. */
export function policyOf(
  flags: MirrorFlags,
): Pick<MirrorOptions, 'force' | 'prune' | 'bestEffort' | 'limits'> {
  return {
    force: (flags.force ?? false) || (flags.forceWithLease ?? false),
    prune: flags.prune ?? false,
    bestEffort: flags.bestEffort ?? false,
    limits: limitsOf(flags),
  };
}

function limitsOf(flags: MirrorFlags): Partial<MirrorLimits> {
  const { maxPackBytes, targetMaxPackBytes, targetMaxRefUpdates } = flags;
  return {
    ...(maxPackBytes === undefined ? {} : { maxPackBytes: sizeValue('--max-pack-bytes', maxPackBytes) }),
    ...(targetMaxPackBytes === undefined
      ? {}
      : { targetMaxPackBytes: sizeValue('--target-max-pack-bytes', targetMaxPackBytes) }),
    ...(targetMaxRefUpdates === undefined
      ? {}
      : { targetMaxRefUpdates: countValue('--target-max-ref-updates', targetMaxRefUpdates) }),
  };
}

const PROTOCOLS: ReadonlyMap<string, ProtocolVersion | 'auto'> = new Map<string, ProtocolVersion | 'auto'>([
  ['auto', 'auto'],
  ['v0', 0],
  ['v1', 1],
  ['v2', 2],
]);

/** @throws CairnError `invalid` for a version that does not exist */
export function protocolOf({ protocol = 'auto' }: Pick<MirrorFlags, 'protocol'>): ProtocolVersion | 'auto' {
  const version = PROTOCOLS.get(protocol);
  if (version !== undefined) return version;
  throw badValue('--protocol', protocol, 'auto, v0, v1 or v2');
}
