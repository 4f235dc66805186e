import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/lib/canonical-json.ts';
import { sha256 } from '../../../src/lib/digest.ts';
import { readAll } from '../../../src/lib/streams.ts';
import { artifactFileName, artifactKey, tombstonesKey } from '../../../src/repository/keys.ts';
import type { Tombstones } from '../../../src/repository/records/tombstones.ts';
import { ID, RepositoryRig } from '../../helpers/repository-rig.ts';
import { isPut } from '../../helpers/store-calls.ts';

const watched = { since: 10, condemned: false };
const condemned = { since: 10, condemned: true };

async function write(rig: RepositoryRig, tombstones: Tombstones): Promise<void> {
  await rig.store.put(tombstonesKey(ID), Buffer.from(canonicalJson(tombstones)), { mode: 'overwrite' });
}

async function read(rig: RepositoryRig): Promise<Tombstones> {
  const found = await rig.store.get(tombstonesKey(ID));
  if (!found.found) throw new Error('no tombstones');
  return JSON.parse((await readAll(found.body, 10_000)).toString()) as Tombstones;
}

describe('storing an artifact', () => {
  const body = Buffer.from('a pack');
  const digest = sha256(body);
  const key = (n?: number) =>
    artifactKey(ID, n === undefined ? { digest, kind: 'pack' } : { digest, kind: 'pack', n });
  const put = (rig: RepositoryRig) => rig.artifacts.put(ID, 'pack', digest, body);
  const stored = async (rig: RepositoryRig, n?: number) => (await rig.store.head(key(n))).found;

  it('writes it once', async () => {
    const rig = new RepositoryRig();
    expect(await put(rig)).toEqual({ digest, size: body.length });
    expect(rig.store.count()).toBe(1);
  });

  it.each([
    'lose-reply-applied',
    'lose-reply-not-applied',
    'conflict',
    'refuse-after-applying',
    'throttle',
    'unavailable',
    'missing',
  ] as const)('is stored in the end if its first write meets "%s"', async (does) => {
    const rig = new RepositoryRig();
    rig.store.next(isPut, { does });
    expect(await put(rig)).toEqual({ digest, size: body.length });
    expect(await stored(rig)).toBe(true);
  });

  it('reuses an existing artifact, and takes it off the tombstones', async () => {
    const rig = new RepositoryRig();
    await put(rig);
    const fileName = artifactFileName({ digest, kind: 'pack' });
    await write(rig, { version: 1, revision: 0, artifacts: { [fileName]: watched } });
    expect(await put(rig)).toEqual({ digest, size: body.length });
    expect((await read(rig)).artifacts).toEqual({});
  });

  it('writes another copy of a condemned artifact, and also of that copy', async () => {
    const rig = new RepositoryRig();
    await put(rig);
    const artifacts = { [artifactFileName({ digest, kind: 'pack' })]: condemned };
    await write(rig, { version: 1, revision: 0, artifacts });
    expect(await put(rig)).toEqual({ digest, size: body.length, n: 1 });
    expect(await stored(rig, 1)).toBe(true);
    const more = { ...artifacts, [artifactFileName({ digest, kind: 'pack', n: 1 })]: condemned };
    await write(rig, { version: 1, revision: 1, artifacts: more });
    expect(await put(rig)).toEqual({ digest, size: body.length, n: 2 });
  });

  it('writes it again if it is deleted between two looks', async () => {
    const rig = new RepositoryRig();
    await put(rig);
    rig.store.next((call) => call.operation === 'head', {
      does: 'run',
      before: () => rig.store.delete(key()),
    });
    expect(await put(rig)).toEqual({ digest, size: body.length });
    expect(await stored(rig)).toBe(true);
  });

  it('refuses an existing artifact of another size, which somebody else has damaged', async () => {
    const rig = new RepositoryRig();
    await rig.store.put(key(), Buffer.from('a'), { mode: 'create' });
    expect(await put(rig)).toEqual({ digest, size: body.length, n: 1 });
  });

  it('names the artifact that the store refused after some attempts', async () => {
    const rig = new RepositoryRig();
    rig.store.rules.push((call) => (isPut(call) ? { does: 'throttle' } : undefined));
    await expect(put(rig)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining(`${digest}.pack`),
    });
    expect(rig.store.count('put')).toBe(5);
  });

  it('stops when its signal is aborted', async () => {
    const rig = new RepositoryRig();
    const gone = new AbortController();
    rig.store.rules.push((call) => (isPut(call) ? { does: 'throttle' } : undefined));
    rig.store.next(isPut, { does: 'run', before: async () => gone.abort(new Error('stop')) });
    rig.store.rules.reverse();
    const { signal } = gone;
    await expect(rig.artifacts.put(ID, 'pack', digest, body, { signal })).rejects.toThrow('stop');
  });
});

describe('reading an artifact', () => {
  const body = Buffer.from('an artifact');
  const digest = sha256(body);
  const ref = { digest, size: body.length };

  it.each([
    ['is missing', undefined, 'the object store has no'],
    ['has another size', Buffer.from('an'), 'bytes instead of'],
  ])('names an artifact that %s', async (_what, bytes, words) => {
    const rig = new RepositoryRig();
    const key = artifactKey(ID, { digest, kind: 'pack' });
    if (bytes !== undefined) await rig.store.put(key, bytes, { mode: 'create' });
    const damage = { kind: 'corrupt', message: expect.stringMatching(new RegExp(`${words}|${key}`)) };
    await expect(rig.artifacts.open(ID, 'pack', ref)).rejects.toMatchObject(damage);
    await expect(rig.artifacts.mustExist(ID, 'pack', ref)).rejects.toMatchObject(damage);
    await expect(rig.artifacts.open(ID, 'pack', ref)).rejects.toThrow(words);
  });

  it.each([
    ['other bytes of the same length', Buffer.from('AN artifact'), 1_000, 'do not match its digest'],
    ['more than it may have', body, 3, 'more than 3 bytes'],
  ])('as a whole refuses %s', async (_what, bytes, limit, words) => {
    const rig = new RepositoryRig();
    await rig.store.put(artifactKey(ID, { digest, kind: 'json' }), bytes, { mode: 'create' });
    await expect(rig.artifacts.read(ID, 'json', digest, limit)).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(words),
    });
  });

  it('as a whole distinguishes a broken connection from damage', async () => {
    const rig = new RepositoryRig();
    await rig.store.put(artifactKey(ID, { digest, kind: 'json' }), body, { mode: 'create' });
    rig.store.next(() => true, { does: 'break-body' });
    await expect(rig.artifacts.read(ID, 'json', digest, 100)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await rig.artifacts.read(ID, 'json', digest, 100)).toEqual(body);
  });
});
