import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/lib/clock.ts';
import type { ProbeReport } from '../../../../src/object-store/probe/probe.ts';
import { cachedVerdict } from '../../../../src/object-store/probe/probe-verdict.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

const HOUR = 60 * 60 * 1000;

const passed: ProbeReport = {
  ok: true,
  store: 's3://b',
  phases: [{ name: 'a phase', ok: true, seconds: 1, detail: '' }],
  unanswered: 2,
  seconds: 1,
  profile: { ifMatch: 'unquoted', multipart: 'unconditional' },
};

const failed: ProbeReport = {
  ...passed,
  ok: false,
  failure: { is: 'broken', phase: 'a phase', round: 1, key: 'k', reason: 'it broke' },
};

/** Asks for verdicts on one folder with a clock of its own, and counts the probes that were run. */
function asker(folder: string) {
  const clock = { ...systemClock, time: 1_000_000_000_000, now: () => clock.time };
  let probes = 0;
  const ask = async (report: ProbeReport, subject = ['endpoint', 'bucket', '0.1.0']) => {
    const verdict = await cachedVerdict({ folder, subject, clock }, async () => {
      probes++;
      return report;
    });
    return { ...verdict, probes };
  };
  return { ask, clock };
}

describe('the verdict of a probe', () => {
  it('is used for a day, with the profile', async () => {
    await using folder = await tempDir();
    const { ask, clock } = asker(folder.path);
    expect(await ask(passed)).toMatchObject({ cached: false, probes: 1 });
    clock.time += 23 * HOUR;
    expect(await ask(failed)).toEqual({ report: passed, cached: true, probes: 1 });
    clock.time += 2 * HOUR;
    expect(await ask(passed)).toMatchObject({ cached: false, probes: 2 });
  });

  it('is not kept if the store failed', async () => {
    await using folder = await tempDir();
    const { ask } = asker(folder.path);
    expect(await ask(failed)).toMatchObject({ report: { ok: false }, probes: 1 });
    expect(await ask(passed)).toMatchObject({ report: { ok: true }, cached: false, probes: 2 });
  });

  it('holds for one endpoint, bucket, prefix and version only', async () => {
    await using folder = await tempDir();
    const { ask } = asker(folder.path);
    await ask(passed);
    expect(await ask(passed, ['endpoint', 'other', '0.1.0'])).toMatchObject({ probes: 2 });
    expect(await ask(passed, ['endpoint', 'bucket', '0.2.0'])).toMatchObject({ probes: 3 });
    expect(await ask(passed)).toMatchObject({ cached: true, probes: 3 });
  });

  it('is not used if it is damaged or dated in the future', async () => {
    await using folder = await tempDir();
    const { ask, clock } = asker(folder.path);
    await ask(passed);
    const [name = ''] = await readdir(folder.path);
    await writeFile(join(folder.path, name), '{"report":{"ok":true}}');
    expect(await ask(passed)).toMatchObject({ cached: false, probes: 2 });
    clock.time -= HOUR;
    expect(await ask(passed)).toMatchObject({ cached: false, probes: 3 });
  });

  it('is reported if it cannot be kept', async () => {
    await using folder = await tempDir();
    const inTheWay = join(folder.path, 'file');
    await writeFile(inTheWay, '');
    await expect(asker(inTheWay).ask(passed)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('leaves no draft behind if it cannot be kept', async () => {
    await using folder = await tempDir();
    const { ask, clock } = asker(folder.path);
    await ask(passed);
    const [name = ''] = await readdir(folder.path);
    await rm(join(folder.path, name));
    // A draft cannot take the place of a folder.
    await mkdir(join(folder.path, name));
    clock.time += 25 * HOUR;
    await expect(ask(passed)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await readdir(folder.path)).toEqual([name]);
  });
});
