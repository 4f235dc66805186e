/** Runs into a target that another run, or a lock of its host, has to do with. */
import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { bootstrap, type MirrorOptions, sync } from '../../../src/mirror/mirror.ts';
import { silent } from '../../../src/mirror/observer.ts';
import { type MirrorRig, mirrorRig, refsIn } from '../../helpers/mirror-rig.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

const HOURS = 3_600;

/** Is told when a run is to stop. */
interface Stop {
  now: () => void;
}

/** A branch of six commits of 5 KB, and one of the first commit alone. */
async function history({ author }: MirrorRig): Promise<void> {
  const random = new SeededRandom(7);
  for (let at = 0; at < 6; at++)
    await author.commit(`Commit ${at}`, { [`file-${at}`]: Buffer.from(random.hex(5_000), 'hex') });
  await author.run(['branch', 'small', 'main~5']);
  await author.run(['push', '--quiet', 'origin', 'main', 'small']);
}

const isPush = (request: IncomingMessage) =>
  request.method === 'POST' &&
  request.url?.includes('target.git') === true &&
  request.headers['content-length'] !== '4';

/** Lets a number of pushes to the target by, and stops the run at the next one. */
function interruptingRig(pushes: { left: number }, stop: Stop): Promise<MirrorRig> {
  return mirrorRig({
    before: (request) => {
      if (!isPush(request) || pushes.left-- > 0) return false;
      stop.now();
      request.resume();
      return true;
    },
  });
}

const ends = (rig: MirrorRig): Pick<MirrorOptions, 'source' | 'target' | 'scratchFolder'> => ({
  source: { address: rig.sourceUrl },
  target: { address: rig.targetUrl },
  scratchFolder: rig.folder,
});

async function interrupted(
  run: (signal: AbortSignal) => Promise<{ readonly outcome: string }>,
  stop: Stop,
): Promise<void> {
  const controller = new AbortController();
  stop.now = () => controller.abort(new Error('enough'));
  expect((await run(controller.signal)).outcome).toBe('interrupted');
}

it('a run without changes leaves the temporary refs of an active run, and removes them when they are left over', async () => {
  const pushes = { left: 1 };
  const stop: Stop = { now: () => undefined };
  await using rig = await interruptingRig(pushes, stop);
  await history(rig);
  await rig.author.run(['push', '--quiet', rig.target.folder, 'small']);
  const seeding = { ...ends(rig), limits: { targetMaxPackBytes: 12_000 } };
  await interrupted((signal) => sync({ ...seeding, signal }), stop);
  const [kept = '', name = ''] = (await refsIn(rig.target, 'refs/cairn-mirror')).split(' ');
  expect(name).toMatch(/^refs\/cairn-mirror\//);

  pushes.left = Number.POSITIVE_INFINITY;
  const told: string[] = [];
  const noop = {
    ...ends(rig),
    scope: { branches: ['small'] },
    observer: { ...silent, notice: (text: string) => void told.push(text) },
  };
  expect(await sync(noop)).toMatchObject({ outcome: 'ok', packs: 0 });
  expect(await refsIn(rig.target, 'refs/cairn-mirror')).toBe(`${kept} ${name}`);
  expect(told).toEqual([expect.stringContaining(`${name} stays: another run may be under way`)]);

  const now = Math.floor(Date.now() / 1000);
  const old = name.replace(/\d+-/, `${now - 7 * HOURS}-`);
  await rig.target.run(['update-ref', old, kept]);
  expect((await sync(noop)).outcome).toBe('ok');
  expect(await refsIn(rig.target, 'refs/cairn-mirror')).toBe(`${kept} ${name}`);

  // Once the branch is whole, nothing is kept by it that the branch does not keep.
  expect(await sync(seeding)).toMatchObject({ outcome: 'ok', problem: undefined });
  expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
});

it('a bootstrap that ended between its groups of refs continues when it is run again', async () => {
  const pushes = { left: 1 };
  const stop: Stop = { now: () => undefined };
  await using rig = await interruptingRig(pushes, stop);
  await history(rig);
  const names = Array.from({ length: 12 }, (_, at) => `main:refs/heads/many/${at}`);
  await rig.author.run(['push', '--quiet', 'origin', ...names]);
  const options = { ...ends(rig), limits: { targetMaxRefUpdates: 5 } };
  await interrupted((signal) => bootstrap({ ...options, signal }), stop);
  expect((await refsIn(rig.target, 'refs/heads')).split('\n')).toHaveLength(5);
  pushes.left = Number.POSITIVE_INFINITY;
  expect(await bootstrap(options)).toMatchObject({ outcome: 'ok', problem: undefined });
  expect(await refsIn(rig.target)).toBe(await refsIn(rig.source));
  // One that was complete still refuses.
  expect((await bootstrap(options)).outcome).toBe('blocked');
});

it('status 409 of a target says nothing about refs: the run ends as refused for now', async () => {
  await using rig = await mirrorRig({
    before: (request, response) => {
      if (!isPush(request)) return false;
      request.resume().once('end', () => response.writeHead(409).end('the repository is being moved'));
      return true;
    },
  });
  await history(rig);
  expect(await sync(ends(rig))).toMatchObject({
    outcome: 'transport',
    problem: expect.stringContaining('answers 409 Conflict: the repository is being moved'),
  });
});
