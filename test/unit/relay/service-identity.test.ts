import { describe, expect, it } from 'vitest';
import { formatNpub } from '../../../src/nostr/public-key.ts';
import { claimService, ServiceIdentity } from '../../../src/relay/service-identity.ts';
import { SERVICE_KEY } from '../../../src/repository/keys.ts';
import { UNANNOUNCED } from '../../../src/repository/manifest.ts';
import { idOf } from '../../helpers/relay-rig.ts';
import { RepositoryRig } from '../../helpers/repository-rig.ts';
import { alice, author, bob } from '../nostr/authors.ts';

const [SERVICE, OTHER] = [author(99), author(98)];

function contextOf(rig: RepositoryRig) {
  const { store: control, clock, random } = rig;
  return { control, clock, random };
}

describe('a bucket', () => {
  it('belongs to the first service that claims it, and to no other', async () => {
    const rig = new RepositoryRig();
    await claimService(contextOf(rig), SERVICE.publicKey);
    await claimService(contextOf(rig.cold()), SERVICE.publicKey);
    await expect(claimService(contextOf(rig.cold()), OTHER.publicKey)).rejects.toMatchObject({
      kind: 'conflict',
      message: `this bucket belongs to the service ${formatNpub(SERVICE.publicKey)}: give all its servers the same key file`,
    });
  });

  it('belongs to one of two that claim it at once', async () => {
    const rig = new RepositoryRig();
    const claims = await Promise.allSettled(
      [SERVICE, OTHER].map(({ publicKey }) => claimService(contextOf(rig.cold()), publicKey)),
    );
    expect(claims.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('with an unreadable claim is given to no service', async () => {
    const rig = new RepositoryRig();
    await rig.store.put(SERVICE_KEY, Buffer.from('{}'), { mode: 'create' });
    await expect(claimService(contextOf(rig), SERVICE.publicKey)).rejects.toMatchObject({ kind: 'corrupt' });
  });
});

describe('a service', () => {
  it('signs with its own key, and for each repository with a derived key, the same on every server', () => {
    const [one, other] = [new ServiceIdentity(SERVICE.secretKey), new ServiceIdentity(SERVICE.secretKey)];
    expect(one.publicKey).toBe(SERVICE.publicKey);
    const keys = [idOf(alice), idOf(bob), idOf(alice, 'another')].map((id) => one.signerOf(id).publicKey);
    expect(new Set([...keys, one.publicKey]).size).toBe(4);
    expect(other.signerOf(idOf(alice)).publicKey).toBe(keys[0]);
    expect(new ServiceIdentity(OTHER.secretKey).signerOf(idOf(alice)).publicKey).not.toBe(keys[0]);
  });

  it('cannot write to a repository, unless the owner lists its repository key', () => {
    const service = new ServiceIdentity(SERVICE.secretKey);
    const [key, others] = [idOf(alice), idOf(bob)].map((id) => service.signerOf(id).publicKey);
    const policyWith = (writer = '') => ({ ...UNANNOUNCED, writers: [alice.publicKey, writer] });
    expect(service.receiptsAreAuthoritative(idOf(alice), policyWith(key))).toBe(true);
    expect(service.receiptsAreAuthoritative(idOf(alice), policyWith(others))).toBe(false);
    expect(service.receiptsAreAuthoritative(idOf(alice), policyWith(SERVICE.publicKey))).toBe(false);
  });
});
