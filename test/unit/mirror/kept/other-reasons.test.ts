import { expect, it } from 'vitest';
import { otherReasons } from '../../../../src/mirror/kept/other-reasons.ts';
import type { MirroredRef } from '../../../../src/mirror/run/mirror-result.ts';

function refused(target: string, reason: string): MirroredRef {
  const [oldId, newId] = ['0'.repeat(40), 'a'.repeat(40)];
  const ref = {
    kind: 'branch',
    source: target,
    target,
    oldId,
    newId,
    action: 'create',
    reason: 'it is new',
  } as const;
  return { ...ref, result: { outcome: 'refused', reason } };
}

it('each reason is told once, with the first ref that has it, but for the one that the problem tells', () => {
  const applied: MirroredRef = { ...refused('d', ''), result: { outcome: 'applied' } };
  const blocked: MirroredRef = { ...refused('e', ''), action: 'block', reason: 'it has diverged' };
  const refs = [refused('a', 'no'), refused('b', 'no'), refused('c', 'never'), applied, blocked];
  expect(otherReasons(refs, 'the target has refused 3 refs: a: no', 3)).toEqual([
    'c: never',
    'e: it has diverged',
  ]);
  expect(otherReasons(refs, undefined, 3)).toEqual(['a: no', 'c: never', 'e: it has diverged']);
  expect(otherReasons(refs, undefined, 2)).toEqual(['a: no', 'c: never']);
});

it('a target that gives each of 300,000 refs a reason of its own does not hold up the process', () => {
  const refs = Array.from({ length: 300_000 }, (_, at) =>
    refused(`refs/heads/${at}`, `not today, for reason ${at}`),
  );
  expect(otherReasons(refs, undefined, 3)).toHaveLength(3);
});
