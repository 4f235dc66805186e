/** Changes whose answer is lost on the way, or tells nothing. */
import type { ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { type MirrorOptions, sync } from '../../../src/mirror/mirror.ts';
import { type Instead, type LimitingFront, startLimitingFront } from '../../helpers/limiting-front.ts';
import { type MirrorRig, mirrorRig, refsIn } from '../../helpers/mirror-rig.ts';
import { noise } from '../../helpers/noise.ts';

/** A target with a branch that the source does not have, behind a front. */
async function withStaleBranch(rig: MirrorRig): Promise<LimitingFront> {
  await rig.author.commit('One', { file: '1\n' });
  await rig.author.run(['push', '--quiet', 'origin', 'main']);
  await rig.author.run(['push', '--quiet', rig.target.folder, 'main', 'main:refs/heads/stale']);
  return startLimitingFront(rig.host.url, { limit: Number.POSITIVE_INFINITY, style: 'cut' });
}

function pruned(rig: MirrorRig, front: LimitingFront, limits: MirrorOptions['limits'] = {}) {
  return sync({
    limits,
    source: { address: rig.sourceUrl },
    target: { address: `${front.url}/target.git` },
    scratchFolder: rig.folder,
    prune: true,
  });
}

it('a deletion whose answer is lost was made', async () => {
  await using rig = await mirrorRig();
  await using front = await withStaleBranch(rig);
  front.rules.onAnswered = () => true;
  const result = await pruned(rig, front);
  expect(result).toMatchObject({ outcome: 'ok', problem: undefined, packs: 0 });
  expect(result.refs).toMatchObject([
    { target: 'refs/heads/main', action: 'skip' },
    { target: 'refs/heads/stale', action: 'delete', strategy: 'refs', result: { outcome: 'applied' } },
  ]);
  expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
});

/** Answers that are no report, each with how it is made of the report. */
const ANSWERS: readonly (readonly [what: string, made: (report: Buffer) => Instead])[] = [
  ['is empty', () => ({ body: '' })],
  ['is a flush', () => ({ body: '0000' })],
  ['has no end', (report) => ({ body: report.subarray(0, report.length - 4) })],
  ['ends in the middle of a line', (report) => ({ body: report.subarray(0, 9) })],
  ['is something else', () => ({ body: 'all is well' })],
  ['has status 500', () => ({ status: 500, body: 'a hook has crashed' })],
];

describe.each(ANSWERS)('the refs of the target tell what was done if its answer %s', (_what, made) => {
  it('to a deletion', async () => {
    await using rig = await mirrorRig();
    await using front = await withStaleBranch(rig);
    front.rules.onAnswered = made;
    expect(await pruned(rig, front)).toMatchObject({ outcome: 'ok', problem: undefined });
    expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
  });

  it('to a pack', async () => {
    await using rig = await mirrorRig();
    await using front = await withStaleBranch(rig);
    await rig.author.commit('Two', { file: '2\n' });
    await rig.author.run(['push', '--quiet', 'origin', 'main', 'main:refs/heads/new']);
    front.rules.onAnswered = made;
    const result = await pruned(rig, front);
    expect(result).toMatchObject({ outcome: 'ok', problem: undefined, packs: 1 });
    expect(result.refs.map((ref) => ref.result?.outcome)).toEqual(['applied', 'applied', 'applied']);
    expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
  });

  it('to each of several packs, and to the deletion of temporary refs', async () => {
    await using rig = await mirrorRig();
    await using front = await withStaleBranch(rig);
    for (let at = 0; at < 4; at++)
      await rig.author.commit(`More ${at}`, { [`file-${at}`]: noise(9_000, at) });
    await rig.author.run(['push', '--quiet', 'origin', 'main']);
    front.rules.onAnswered = made;
    const result = await pruned(rig, front, { targetMaxPackBytes: 15_000 });
    expect(result).toMatchObject({ outcome: 'ok', problem: undefined });
    expect(result.packs).toBeGreaterThan(1);
    expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
  });
});

/** A target that does nothing of a push. */
function deaf(answer: (response: ServerResponse) => void): Promise<MirrorRig> {
  return mirrorRig({
    before: async (request, response) => {
      if (request.method !== 'POST' || request.url?.includes('target.git') !== true) return false;
      await buffer(request);
      answer(response);
      return true;
    },
  });
}

it.each<[what: string, answer: (response: ServerResponse) => void, problem: RegExp]>([
  [
    'with nothing',
    (response) => response.writeHead(200, { 'Content-Type': 'application/x-git-receive-pack-result' }).end(),
    /cut off/,
  ],
  ['with status 500', (response) => response.writeHead(500).end('out of order'), /out of order/],
  ['with status 504', (response) => response.writeHead(504).end('no answer'), /504/],
  ['with status 408', (response) => response.writeHead(408).end('no answer'), /408/],
  ['with status 502', (response) => response.writeHead(502).end('no answer'), /502/],
  ['by closing the connection', (response) => response.destroy(), /broke off/],
])('a target that answers every push %s, and does nothing, is in trouble', async (_what, answer, problem) => {
  await using rig = await deaf(answer);
  for (let at = 0; at < 4; at++) await rig.author.commit(`Commit ${at}`, { file: `${at}\n` });
  await rig.author.run(['push', '--quiet', 'origin', 'main']);
  const result = await sync({
    source: { address: rig.sourceUrl },
    target: { address: rig.targetUrl },
    scratchFolder: rig.folder,
  });
  expect(result).toMatchObject({ outcome: 'transport', problem: expect.stringMatching(problem) });
  expect(result.refs).toMatchObject([{ target: 'refs/heads/main', action: 'create' }]);
  expect(result.refs[0]).not.toHaveProperty('result');
  expect(await refsIn(rig.target)).toBe('');
});

it('a deletion that does not reach the target is tried once more', async () => {
  await using rig = await mirrorRig();
  await using front = await withStaleBranch(rig);
  let cuts = 1;
  front.rules.onPushed = () => cuts-- > 0;
  expect(await pruned(rig, front)).toMatchObject({ outcome: 'ok', problem: undefined, packs: 0 });
  expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
});

it('a target that breaks off every deletion ends the run, and the error says so', async () => {
  await using rig = await mirrorRig();
  await using front = await withStaleBranch(rig);
  front.rules.onPushed = () => true;
  expect(await pruned(rig, front)).toMatchObject({
    outcome: 'transport',
    problem: expect.stringMatching(/^the connection to \S+ broke off/),
    packs: 0,
  });
  expect(await refsIn(rig.target, 'refs/heads/stale')).not.toBe('');
});
