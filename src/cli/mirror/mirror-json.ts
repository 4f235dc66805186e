/** Results of mirror commands, as JSON: `docs/reference/mirror.md` names every field. */
import { isZeroId } from '../../git/index.ts';
import type { FetchTestResult, ProbeResult, Traffic } from '../../mirror/mirror.ts';
import type { SourceListing } from '../../mirror/remote/source.ts';
import type { TargetListing } from '../../mirror/remote/target.ts';
import { countsOf, type MirrorResult, type Outcome } from '../../mirror/run/mirror-result.ts';

/** What a command measured. */
export interface Measurement {
  readonly elapsedMilliseconds: number;
  /** Largest resident set of this process, in bytes. */
  readonly peakMemoryBytes: number;
}

/** What every JSON document of a mirror command has. */
export interface Envelope {
  readonly command: string;
  readonly outcome: Outcome;
  readonly problem: string | undefined;
  readonly source: string | undefined;
  readonly target: string | undefined;
  readonly traffic: Traffic | undefined;
  readonly measurement: Measurement | undefined;
}

/** The document of any command, with or without a result. */
export function documentOf(envelope: Envelope, content: Readonly<Record<string, unknown>>): string {
  const { command, outcome, problem, source, target, traffic, measurement } = envelope;
  return JSON.stringify(
    {
      command,
      outcome,
      problem: problem ?? null,
      source: { address: source ?? null },
      ...(target === undefined ? {} : { target: { address: target } }),
      ...content,
      ...(traffic === undefined ? {} : { traffic }),
      ...(measurement === undefined ? {} : { measurement }),
    },
    undefined,
    2,
  );
}

/** The content of `plan`, `sync`, `replicate` and `bootstrap`. */
export function resultContent(result: MirrorResult): Record<string, unknown> {
  return {
    sourceHead: result.sourceHead ?? null,
    protocol: result.source?.protocol ?? null,
    objectFormat: result.source?.objectFormat ?? null,
    attempts: result.attempts,
    packs: result.packs,
    counts: countsOf(result.refs),
    refs: result.refs.map(({ kind, source, target, oldId, newId, result: done, ...decision }) => ({
      kind,
      source: source ?? null,
      target,
      oldId: idOrNull(oldId),
      newId: idOrNull(newId),
      ...decision,
      result: done?.outcome ?? null,
      ...(done !== undefined && 'reason' in done ? { resultReason: done.reason } : {}),
    })),
  };
}

export function probeContent({
  source,
  target,
  prefixes,
  refs,
  targetRefs,
}: ProbeResult): Record<string, unknown> {
  return {
    ...sourceContent(source),
    prefixes,
    refs: [...refs].map(([name, oid]) => ({ name, oid })),
    ...(target === undefined
      ? {}
      : { targetFacts: { ...targetContent(target), refsInScope: targetRefs?.size ?? 0 } }),
  };
}

export function fetchContent(result: FetchTestResult): Record<string, unknown> {
  return {
    ...sourceContent(result.source),
    wants: [...result.wants].map(([name, oid]) => ({ name, oid })),
    haves: result.haves,
    objects: result.objects,
    bytes: result.bytes,
  };
}

function sourceContent({ protocol, objectFormat, head, capabilities, unusable }: SourceListing) {
  return {
    protocol: protocol ?? null,
    objectFormat,
    sourceHead: head?.target ?? null,
    capabilities,
    unusableRefs: unusable,
  };
}

function targetContent({ objectFormat, capabilities, refs }: TargetListing) {
  return { objectFormat, capabilities, refs: refs.size };
}

function idOrNull(oid: string): string | null {
  return isZeroId(oid) ? null : oid;
}
