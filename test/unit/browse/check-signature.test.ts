import { createECDH } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { checkSignature } from '../../../src/browse/check-signature.ts';
import { sha256 } from '../../../src/lib/digest.ts';
import { formatNpub } from '../../../src/nostr/public-key.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';
import { run } from '../../helpers/git-client.ts';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** A number, negated if its point has an odd y, and the x of the point. */
function evenPoint(seed: string): { readonly secret: bigint; readonly x: string } {
  const curve = createECDH('secp256k1');
  curve.setPrivateKey(sha256(seed), 'hex');
  const point = curve.getPublicKey('hex', 'compressed');
  const secret = BigInt(`0x${sha256(seed)}`);
  return { secret: point.startsWith('03') ? ORDER - secret : secret, x: point.slice(2) };
}

/** A signature of BIP-340 over any 32 bytes: the libraries sign nothing but events. */
function signRaw(message: string): { readonly key: string; readonly signature: string } {
  const [key, nonce] = [evenPoint('key'), evenPoint('nonce')];
  const tag = sha256('BIP0340/challenge');
  const e = BigInt(`0x${sha256(Buffer.from(tag + tag + nonce.x + key.x + message, 'hex'))}`);
  const s = (nonce.secret + e * key.secret) % ORDER;
  return { key: key.x, signature: nonce.x + s.toString(16).padStart(64, '0') };
}

/** A commit object by hand, with a header in place of a signature. */
async function forged(rig: BrowseRig, change: (text: string) => string, oid: string): Promise<string> {
  const text = await rig.client.run(['cat-file', 'commit', oid]);
  return rig.client.run(['hash-object', '-t', 'commit', '-w', '--stdin'], { input: change(`${text}\n`) });
}

it('an SSH signature is good, of an unknown key or bad, as git says', async () => {
  for (const format of ['sha1', 'sha256'] as const) {
    await using rig = await BrowseRig.open(format);
    const { client } = rig;
    const sign = async (type: string, ...options: string[]) => {
      const key = `${client.folder}/.git/key-${type}`;
      const made = await run('ssh-keygen', ['-q', '-t', type, ...options, '-N', '', '-C', 'x', '-f', key]);
      expect(made.exitCode, made.stderr).toBe(0);
      const signed = client.with('gpg.format=ssh', `user.signingkey=${key}.pub`);
      await signed.run(['commit', '-q', '--allow-empty', '-S', '-m', `Signed by ${type}\n\nText.`]);
      return { oid: await client.oidOf('HEAD'), key: await readFile(`${key}.pub`, 'utf8') };
    };
    const made = [await sign('ed25519'), await sign('ecdsa', '-b', '384'), await sign('rsa', '-b', '2048')];
    const verdicts = async () => {
      const view = await rig.view();
      const checked = await Promise.all(made.map(({ oid }) => checkSignature(view, oid, [])));
      return checked.map((one) => [one?.verdict, one?.kind, one?.signer]);
    };
    expect(await verdicts()).toEqual(made.map(() => ['unknown-key', 'ssh', undefined]));
    const [first, second, third] = made.map(({ key }) => key.trim());
    const allowed = [
      '# who may sign',
      `a@example.org,b@example.org ${first}`,
      `"c@example.org" namespaces="file,git",valid-after="20200101" ${second}`,
      `d@example.org namespaces="file" ${third}`,
      `e@example.org valid-before="20200101Z" ${third}`,
      `f@example.org cert-authority ${third}`,
      `g@example.org no-such-option ${third}`,
    ].join('\n');
    await client.commit('Allow', { '.allowed_signers': allowed });
    expect(await verdicts()).toEqual([
      ['good', 'ssh', 'a@example.org,b@example.org'],
      ['good', 'ssh', 'c@example.org'],
      ['unknown-key', 'ssh', undefined],
    ]);
    const file = `${client.folder}/.git/allowed`;
    await writeFile(file, allowed);
    const git = client.with('gpg.format=ssh', `gpg.ssh.allowedSignersFile=${file}`);
    const [one] = made;
    const said = await git.try(['verify-commit', one?.oid ?? '']);
    expect(said.stderr).toContain('Good "git" signature for a@example.org');
    const view = await rig.view();
    const key = (await checkSignature(view, one?.oid ?? '', []))?.key ?? 'none';
    expect(said.stderr).toContain(key);
    // The same signature on another text, and half of it.
    const other = await forged(rig, (text) => text.replace('Text.', 'Other.'), one?.oid ?? '');
    expect(await checkSignature(await rig.view(), other, [])).toMatchObject({
      verdict: 'bad',
      key,
      signer: undefined,
    });
    const half = await forged(
      rig,
      (text) => text.replace(/\n [^\n]*\n -----END/, '\n -----END'),
      one?.oid ?? '',
    );
    expect((await checkSignature(await rig.view(), half, []))?.verdict).toBe('bad');
    const plain = await client.commit('Unsigned');
    expect(await checkSignature(await rig.view(), plain, [])).toBeUndefined();
  }
});

it('a signature of a Nostr key is good if the key may push, and unchecked signatures are marked', async () => {
  await using rig = await BrowseRig.open();
  const { client } = rig;
  const oid = await client.commit('Text.');
  const body = (await client.run(['cat-file', 'commit', oid])).concat('\n');
  const signed = (lines: readonly string[]) =>
    forged(rig, (text) => text.replace('\n\n', `\ngpgsig ${lines.join('\n ')}\n\n`), oid);
  const envelope = (pk: string, sig: string) =>
    Buffer.from(JSON.stringify({ v: 1, pk, sig, t: 5 })).toString('base64');
  const armour = (base64: string) => [
    '-----BEGIN SIGNED MESSAGE-----',
    base64,
    '-----END SIGNED MESSAGE-----',
  ];
  const { key, signature } = signRaw(sha256(Buffer.from(`nostr:git:v1:5:${body}`)));
  const nostr = await signed(armour(envelope(key, signature)));
  const view = await rig.view();
  expect(await checkSignature(view, nostr, [])).toEqual({
    verdict: 'unknown-key',
    kind: 'nostr',
    key: formatNpub(key),
    signer: undefined,
  });
  expect(await checkSignature(view, nostr, [key])).toMatchObject({
    verdict: 'good',
    signer: formatNpub(key),
  });
  const moved = await signed(
    armour(
      envelope(
        key,
        signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
      ),
    ),
  );
  expect(await checkSignature(view, moved, [key])).toMatchObject({ verdict: 'bad', signer: undefined });
  const x509 = await signed(armour('MIIB'));
  expect(await checkSignature(view, x509, [key])).toMatchObject({ verdict: 'not-checked', kind: 'x509' });
  const pgp = await signed([
    '-----BEGIN PGP SIGNATURE-----',
    '',
    'iHUEABYKAB0WIQTT8gnAaXZ9YJ1nYHuKAAAAAAAAAAUCZQAAAAAKCRCKAAAAAAAA',
    '=abcd',
    '-----END PGP SIGNATURE-----',
  ]);
  expect(await checkSignature(view, pgp, [])).toMatchObject({
    verdict: 'not-checked',
    kind: 'openpgp',
    key: 'D3F209C069767D609D67607B8A00000000000000',
  });
  for (const lines of [['x'], ['-----BEGIN SSH SIGNATURE-----', 'AAAA', '-----END SSH SIGNATURE-----']]) {
    const odd = await checkSignature(view, await signed(lines), []);
    expect(['bad', 'not-checked']).toContain(odd?.verdict);
  }
});
