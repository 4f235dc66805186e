/**
 * Protected refs: what the owner's announcement forbids even to keys that may push. A tag `["protect", <pattern>, <rule>…]`
 * applies to every ref that its pattern matches. Where several match, all their rules apply, so the strictest wins. Rules
 * only take rights away. They bind signed states and pushes alike.
 */
import { refNameProblem } from '../git/index.ts';
import { type Parsed, parsed, refused } from '../nostr/parsed.ts';
import type { WriterRole } from './push-access.ts';

/** A pattern and the rules for what it matches, as announced and as manifests keep them. */
export interface ProtectionEntry {
  /** A ref name in which `*` stands for any one part and a final `**` for one or more. */
  readonly pattern: string;
  /** `push:owner` (only the owner), `push:maintainer` (every key that may push: the default), `no-force-push`, `no-delete`. */
  readonly rules: readonly string[];
}

/** All rules that hold for one ref. */
export interface RefProtection {
  readonly push: WriterRole;
  readonly noForcePush: boolean;
  readonly noDelete: boolean;
}

/** The kind of a ref change. `force` is every update that does not keep the old history; for tags, every update. */
export type UpdateKind = 'create' | 'fast-forward' | 'force' | 'delete';

export const maxProtectionEntries = 50;
export const maxPatternLength = 256;
export const maxWildcards = 3;

const knownRules = new Set(['push:owner', 'push:maintainer', 'no-force-push', 'no-delete']);

/**
 * Checks what an announcement protects.
 * @returns the entries, or what is wrong with the first bad one: an unknown rule would look like protection and do nothing
 */
export function parseProtection(entries: readonly ProtectionEntry[]): Parsed<readonly ProtectionEntry[]> {
  if (entries.length > maxProtectionEntries) return refused(`more than ${maxProtectionEntries} protect tags`);
  for (const { pattern, rules } of entries) {
    const problem = patternProblem(pattern);
    if (problem !== undefined)
      return refused(`protect ${JSON.stringify(pattern.slice(0, maxPatternLength))}: ${problem}`);
    const unknown = rules.find((rule) => !knownRules.has(rule));
    if (unknown !== undefined) {
      return refused(
        `protect ${pattern}: there is no rule ${JSON.stringify(unknown)}, only ${[...knownRules].join(', ')}`,
      );
    }
  }
  return parsed(entries);
}

function patternProblem(pattern: string): string | undefined {
  if (pattern.length > maxPatternLength) return `a pattern has at most ${maxPatternLength} characters`;
  const parts = pattern.split('/');
  const wildcards = parts.filter((part) => part.includes('*'));
  if (wildcards.some((part) => part !== '*' && part !== '**'))
    return '"*" stands for a whole part between slashes';
  if (wildcards.length > maxWildcards) return `a pattern has at most ${maxWildcards} wildcards`;
  if (parts.slice(0, -1).includes('**')) return '"**" can only be the last part';
  // A pattern is valid when an example of a name it matches is valid.
  return refNameProblem(parts.map((part) => (part === '**' ? 'x/x' : part.replace('*', 'x'))).join('/'));
}

/** True when a pattern, one that {@link parseProtection} accepts, matches the name. */
export function matchesPattern(pattern: string, name: string): boolean {
  const wanted = pattern.split('/');
  const parts = name.split('/');
  const open = wanted.at(-1) === '**';
  if (open ? parts.length < wanted.length : parts.length !== wanted.length) return false;
  return wanted.every((part, index) => part === '*' || part === '**' || part === parts[index]);
}

/** The rules that hold for a ref: those of every entry that matches it. */
export function protectionOf(entries: readonly ProtectionEntry[], name: string): RefProtection {
  const rules = new Set(
    entries.filter(({ pattern }) => matchesPattern(pattern, name)).flatMap((entry) => entry.rules),
  );
  return {
    push: rules.has('push:owner') ? 'owner' : 'maintainer',
    noForcePush: rules.has('no-force-push'),
    noDelete: rules.has('no-delete'),
  };
}

/**
 * Why a writer may not make this change to a ref; undefined when it is allowed.
 * @param role of the key that pushes or that signed the state
 */
export function protectionProblem(
  entries: readonly ProtectionEntry[],
  role: WriterRole,
  name: string,
  kind: UpdateKind,
): string | undefined {
  const protection = protectionOf(entries, name);
  if (protection.push === 'owner' && role !== 'owner') return 'protected: only the owner may push here';
  if (protection.noForcePush && kind === 'force') return 'protected: it may only be fast-forwarded';
  if (protection.noDelete && kind === 'delete') return 'protected: it may not be deleted';
  return undefined;
}
