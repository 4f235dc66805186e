import { describe, expect, test } from 'vitest';
import { encodeLsRefs, parseLsRefs } from '../../../../src/git/protocol/ls-refs.ts';
import { delimiterPacket } from '../../../../src/git/protocol/pkt-line.ts';
import { processorTime } from '../../../helpers/processor-time.ts';
import { packets } from '../chunks.ts';
import { RealRepository } from '../real-git.ts';

const all = { peel: false, symrefs: false, unborn: false, prefixes: [] };

describe('arguments', () => {
  test('are read', () => {
    expect(parseLsRefs([])).toEqual(all);
    expect(
      parseLsRefs(['peel', 'symrefs', 'ref-prefix refs/heads/', 'unborn', 'ref-prefix HEAD', 'ref-prefix ']),
    ).toEqual({ peel: true, symrefs: true, unborn: true, prefixes: ['refs/heads/', 'HEAD', ''] });
  });

  test.each(['', 'PEEL', 'peel ', 'ref-prefix', 'want x', 'symrefs=1'])('%j is refused', (arg) => {
    expect(() => parseLsRefs(['peel', arg])).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  test('that are 65,536 prefixes have the effect of none', () => {
    const args = Array.from({ length: 65_536 }, (_, index) => `ref-prefix refs/${index}`);
    expect(parseLsRefs(args.slice(1)).prefixes).toHaveLength(65_535);
    expect(parseLsRefs(args).prefixes).toEqual([]);
    expect(parseLsRefs([...args, 'ref-prefix x', 'peel'])).toEqual({ ...all, peel: true });
  });
});

describe('the answer equals that of git upload-pack, byte for byte', () => {
  const cases: string[][] = [
    [],
    ['peel', 'symrefs', 'unborn'],
    ['peel'],
    ['symrefs'],
    ['unborn'],
    ['peel', 'symrefs', 'ref-prefix refs/heads/', 'ref-prefix refs/tags/', 'ref-prefix HEAD'],
    ['symrefs', 'ref-prefix refs/heads/main'],
    ['symrefs', 'unborn', 'ref-prefix HEAD'],
    ['symrefs', 'unborn', 'ref-prefix H'],
    ['ref-prefix refs/heads/\u{1f600}', 'ref-prefix refs/tags/v1-'],
    ['ref-prefix refs/heads/a/b/c', 'ref-prefix refs/nothing'],
    ['peel', 'ref-prefix refs/tags/v1', 'ref-prefix refs/tags/v1-again', 'ref-prefix refs/tags/l'],
    ['symrefs', 'ref-prefix '],
  ];

  test.each(['born', 'unborn', 'empty'])('HEAD %s', (state) => {
    using repository = new RealRepository();
    if (state !== 'empty') repository.populate();
    const target = state === 'unborn' ? 'refs/heads/unborn' : 'refs/heads/main';
    repository.git(['symbolic-ref', 'HEAD', target]);
    const listed = state === 'empty' ? { refs: [], peeled: new Map<string, string>() } : repository.refs();
    const head = { target, oid: new Map(listed.refs).get(target) };
    for (const args of cases) {
      const request = Buffer.concat([
        packets('command=ls-refs\n', 'object-format=sha1'),
        delimiterPacket,
        packets(...args.map((arg) => `${arg}\n`), null),
      ]);
      const expected = repository.git(['upload-pack', '--stateless-rpc', '.'], {
        input: request,
        protocol: '2',
      });
      const ours = encodeLsRefs({ ...listed, head, options: parseLsRefs(args) });
      expect(ours.toString(), args.join(', ')).toBe(expected.toString());
    }
  });
});

test('a missing HEAD has no line', () => {
  const options = { ...all, symrefs: true, unborn: true };
  expect(encodeLsRefs({ refs: [], peeled: new Map(), options }).toString()).toBe('0000');
});

test('the largest number of prefixes against 100,000 refs does not cost their product', () => {
  const oid = '1'.repeat(40);
  const refs = Array.from({ length: 100_000 }, (_, index) => [`refs/heads/${index}`, oid] as const);
  const prefixes = Array.from({ length: 65_535 }, (_, index) => `refs/heads/${index}/nothing`);
  const options = { ...all, prefixes: [...prefixes, 'refs/heads/99999'] };
  const started = processorTime();
  const answer = encodeLsRefs({ refs, peeled: new Map(), options });
  const taken = processorTime() - started;
  // The product takes minutes, bisecting some 100 ms. What one prefix would take is measured on the same machine.
  const scan = (prefix: string) => {
    const began = processorTime();
    if (refs.some(([name]) => name.startsWith(prefix))) throw new Error('there is none');
    return processorTime() - began;
  };
  const quickest = Math.min(...prefixes.slice(0, 50).map(scan));
  expect(taken).toBeLessThan((quickest * prefixes.length) / 4);
  expect(answer).toEqual(packets(`${oid} refs/heads/99999\n`, null));
});
