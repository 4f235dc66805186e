import { describe, expect, it } from 'vitest';
import { DiskFullError } from '../../../../../src/lib/disk-full.ts';
import { EarlySync, syncFile } from '../../../../../src/repository/intake/indexing/early-sync.ts';

const MIB = 2 ** 20;

/** A pack whose syncs end when they are told to. */
class SlowPack {
  readonly ends: ((error?: Error) => void)[] = [];

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.ends.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  }
}

describe('a pack that is synced while it grows', () => {
  it('is synced every 32 MiB, one sync at a time, and its end waits for the last one', async () => {
    const pack = new SlowPack();
    const sync = new EarlySync(pack);
    for (let mib = 1; mib <= 31; mib++) sync.grown(mib * MIB);
    expect(pack.ends).toHaveLength(0);
    for (let mib = 32; mib <= 200; mib++) sync.grown(mib * MIB);
    expect(pack.ends).toHaveLength(1);
    pack.ends[0]?.();
    await sync.settled();
    sync.grown(201 * MIB);
    expect(pack.ends).toHaveLength(2);
    let isSettled = false;
    const settled = sync.settled().then(() => {
      isSettled = true;
    });
    await new Promise(setImmediate);
    expect(isSettled).toBe(false);
    pack.ends[1]?.();
    await settled;
    sync.mustBeDurable();
  });

  it('is refused if a sync failed on the way, because the disk may not report it again', async () => {
    const pack = new SlowPack();
    const sync = new EarlySync(pack);
    sync.grown(64 * MIB);
    pack.ends[0]?.(Object.assign(new Error('EIO: injected'), { code: 'EIO' }));
    await sync.settled();
    expect(() => sync.mustBeDurable()).toThrow(expect.objectContaining({ kind: 'unavailable' }));
    sync.grown(640 * MIB);
    expect(pack.ends).toHaveLength(1);

    const full = new EarlySync(pack);
    full.grown(64 * MIB);
    pack.ends[1]?.(Object.assign(new Error('ENOSPC: injected'), { code: 'ENOSPC' }));
    await full.settled();
    expect(() => full.mustBeDurable()).toThrow(DiskFullError);
  });

  it('fails if it cannot be synced at its end', async () => {
    await expect(syncFile('/nonexistent/pack')).rejects.toMatchObject({ kind: 'unavailable' });
  });
});
