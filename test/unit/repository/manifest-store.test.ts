import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/lib/digest.ts';
import { readAll } from '../../../src/lib/streams.ts';
import {
  artifactFileName,
  artifactKey,
  repositoryPrefix,
  tombstonesKey,
} from '../../../src/repository/keys.ts';
import { repositoryId } from '../../../src/repository/repository-id.ts';
import { branchName } from '../../helpers/many-refs.ts';
import { ID, manifestOf, oid, RepositoryRig } from '../../helpers/repository-rig.ts';

describe('manifests', () => {
  it('are read once for concurrent and later readers', async () => {
    const rig = new RepositoryRig();
    const { digest, manifest } = await rig.publish(
      manifestOf({ refs: new Map([['refs/heads/a', oid('1')]]) }),
    );
    const reader = rig.cold();
    reader.store.reset();
    const loads = await Promise.all([1, 2, 3].map(() => reader.manifests.load(ID, digest)));
    for (const loaded of loads) expect(loaded).toEqual(manifest);
    await reader.manifests.load(ID, digest);
    expect(reader.store.count()).toBe(1);
  });

  it('that were written here are not read', async () => {
    const rig = new RepositoryRig();
    const { digest, manifest } = await rig.publish(manifestOf());
    rig.store.reset();
    expect(await rig.manifests.load(ID, digest)).toEqual(manifest);
    expect(rig.store.count()).toBe(0);
  });

  it('are read again after a failure', async () => {
    const rig = new RepositoryRig();
    const { digest } = await rig.publish(manifestOf());
    const reader = rig.cold();
    reader.store.next(() => true, { does: 'unavailable' });
    await expect(reader.manifests.load(ID, digest)).rejects.toMatchObject({ kind: 'unavailable' });
    expect((await reader.manifests.load(ID, digest)).depth).toBe(0);
  });

  it('that one repository lacks are read for another one at the same time', async () => {
    const rig = new RepositoryRig();
    const { digest, manifest } = await rig.publish(manifestOf());
    const { store, manifests } = rig.cold();
    store.latency = 5;
    const absent = repositoryId(ID.owner, 'without-the-manifest');
    const loads = [absent, ID, ID].map((id) => manifests.load(id, digest));
    const key = artifactKey(absent, { digest, kind: 'json' });
    expect(await Promise.allSettled(loads)).toMatchObject([
      { reason: { kind: 'corrupt', message: expect.stringContaining(key) } },
      { value: manifest },
      { value: manifest },
    ]);
  });

  it('of one repository do not hide that another one lacks an equal one, nor share its ref segments', async () => {
    const rig = new RepositoryRig();
    const copy = repositoryId('c'.repeat(64), ID.identifier);
    const refs = new Map(Array.from({ length: 20_000 }, (_, at) => [branchName(at), oid('1')] as const));
    const { digest } = await rig.publish(manifestOf({ refs }));
    const absent = repositoryId('d'.repeat(64), ID.identifier);
    const { manifests, store } = rig.cold();
    // Somebody has copied all objects of the repository, and then lost some.
    const from = repositoryPrefix(ID);
    let lost = '';
    for await (const { key } of store.list(from)) {
      const found = await store.get(key);
      if (!found.found) throw new Error(key);
      const bytes = await readAll(found.body, found.size);
      const to = repositoryPrefix(copy) + key.slice(from.length);
      if (key.endsWith('.refs') && lost === '') lost = to;
      else await store.put(to, bytes, { mode: 'create' });
    }
    expect(lost).not.toBe('');
    await manifests.load(ID, digest);
    await expect(manifests.load(absent, digest)).rejects.toMatchObject({ kind: 'corrupt' });
    const damage = { kind: 'corrupt', message: expect.stringContaining(lost.slice(-69)) };
    await expect(manifests.load(copy, digest)).rejects.toMatchObject(damage);
    const whole = rig.cold().manifests;
    await expect(whole.load(copy, digest)).rejects.toMatchObject(damage);
    expect((await whole.load(ID, digest)).refs.size).toBe(20_000);
  });

  it('that do not match their name are damaged, and named', async () => {
    const rig = new RepositoryRig();
    const { digest } = await rig.publish(manifestOf());
    const key = artifactKey(ID, { digest, kind: 'json' });
    const reader = rig.cold();
    await reader.store.put(key, (await rig.manifests.encode(manifestOf({ receiptAt: 5 }))).bytes, {
      mode: 'overwrite',
    });
    const damage = { kind: 'corrupt', message: expect.stringContaining(key) };
    await expect(reader.manifests.load(ID, digest)).rejects.toMatchObject(damage);
    const nonsense = Buffer.from('{"version":7}');
    const named = sha256(nonsense);
    await reader.artifacts.put(ID, 'json', named, nonsense);
    await expect(reader.manifests.load(ID, named)).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining('version 7'),
    });
  });

  it('are never stored as another copy, which no pointer could name', async () => {
    const rig = new RepositoryRig();
    const encoded = await rig.manifests.encode(manifestOf());
    await rig.manifests.write(ID, encoded);
    const name = artifactFileName({ digest: encoded.digest, kind: 'json' });
    const tombstones = { version: 1, revision: 0, artifacts: { [name]: { since: 1, condemned: true } } };
    await rig.store.put(tombstonesKey(ID), Buffer.from(JSON.stringify(tombstones)), { mode: 'create' });
    await expect(rig.manifests.write(ID, encoded)).rejects.toMatchObject({ kind: 'busy' });
  });
});
