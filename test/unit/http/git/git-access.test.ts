import { describe, expect, it } from 'vitest';
import {
  authorityOf,
  type GitAccessContext,
  type GitSender,
  identify,
  readerOf,
} from '../../../../src/http/git/git-access.ts';
import { encodeToken } from '../../../../src/nostr/nip98.ts';
import { formatNpub } from '../../../../src/nostr/public-key.ts';
import { loadVerifier } from '../../../../src/nostr/verify.ts';
import type { GitState, PublishedGitState } from '../../../../src/repository/git/git-manifest.ts';
import { repositoryId } from '../../../../src/repository/repository-id.ts';
import { InstantClock } from '../../../helpers/instant-clock.ts';
import { manifestOf } from '../../../helpers/repository-rig.ts';
import { alice, bob, carol } from '../../nostr/authors.ts';

const base = 'https://git.example.org';
const at = 1_900_000_000;
const verifier = await loadVerifier();
const id = repositoryId(alice.publicKey, 'my project');
const npub = formatNpub(alice.publicKey);
const url = `${base}/git/${npub}/my%20project.git`;

function context(access: GitAccessContext['access'] = 'signed'): GitAccessContext {
  return { access, base, verifier, clock: new InstantClock(at * 1000) };
}

function sender(authorization?: string, parts: Partial<GitSender> = {}): GitSender {
  return { id, space: 'git', authorization, stage: 'advertise', ...parts };
}

function token(
  fields: { u?: string; age?: number; kind?: number; more?: string[][] } = {},
  who = bob,
): string {
  const { u = url, age = 0, kind = 27_235, more = [] } = fields;
  const tags = [['u', u], ['method', 'GET'], ...more];
  return encodeToken(who.sign({ kind, at: at - age, tags }));
}

describe('the actor of a request', () => {
  it.each([
    ['by the scheme Nostr', `Nostr ${token()}`],
    ['by the scheme in small letters', `nostr ${token()}`],
    ['as a password', `Basic ${Buffer.from(`anybody:${token()}`).toString('base64')}`],
    ['as a password without a user', `Basic ${Buffer.from(`:${token()}`).toString('base64')}`],
    ['for the URL without .git', `Nostr ${token({ u: url.replace(/\.git$/, '') })}`],
    ['for the URL with the key in hex', `Nostr ${token({ u: url.replace(npub, alice.publicKey) })}`],
    ['for the URL of GRASP', `Nostr ${token({ u: url.replace('/git/', '/') })}`],
    ['59 seconds old', `Nostr ${token({ age: 59 })}`],
    ['59 seconds ahead', `Nostr ${token({ age: -59 })}`],
  ])('is the key of a token %s', (_what, authorization) => {
    expect(identify(context(), sender(authorization))?.actor).toBe(bob.publicKey);
  });

  it('is anonymous without a token', () => {
    expect(identify(context(), sender())).toBeUndefined();
  });

  it.each([
    ['of another repository', `Nostr ${token({ u: url.replace('project', 'other') })}`, 'the token is for'],
    ['of another owner', `Nostr ${token({ u: url.replace(npub, bob.publicKey) })}`, 'the token is for'],
    ['of another host', `Nostr ${token({ u: url.replace('git.', 'evil.') })}`, 'the token is for'],
    ['of another port', `Nostr ${token({ u: url.replace('.org', '.org:8443') })}`, 'the token is for'],
    ['that has expired', `Nostr ${token({ age: 61 })}`, 'is 61 s old'],
    ['from the future', `Nostr ${token({ age: -61 })}`, '61 s ahead'],
    ['that ended', `Nostr ${token({ age: 30, more: [['expiration', String(at - 1)]] })}`, 'has expired'],
    ['of another kind', `Nostr ${token({ kind: 1 })}`, 'kind 1'],
    ['that is none', 'Nostr bm9uc2Vuc2U=', 'not a signed Nostr event'],
    ['of a scheme nobody knows', 'Bearer abc', 'Nostr and Basic'],
    [
      'that is a password of somebody’s',
      `Basic ${Buffer.from('me:secret').toString('base64')}`,
      'not a signed',
    ],
    ['with two URLs', `Nostr ${token({ more: [['u', url]] })}`, 'exactly one u tag'],
  ])('is asked for again after a token %s', (_what, authorization, reason) => {
    expect(() => identify(context(), sender(authorization))).toThrow(
      expect.objectContaining({ kind: 'unauthenticated', message: expect.stringContaining(reason) }),
    );
  });

  it.each(['sig', 'created_at', 'pubkey'])(
    'is asked for again after a token whose %s was changed',
    (field) => {
      const event = JSON.parse(Buffer.from(token(), 'base64').toString()) as Record<string, unknown>;
      const changed = { sig: '0'.repeat(128), created_at: at - 1, pubkey: carol.publicKey }[field];
      const text = Buffer.from(JSON.stringify({ ...event, [field]: changed })).toString('base64');
      expect(() => identify(context(), sender(`Nostr ${text}`))).toThrow('signature');
    },
  );

  it('stays valid for fifteen minutes from the first request to the push', () => {
    for (const [age, good] of [
      [899, true],
      [901, false],
    ] as const) {
      const ask = () => identify(context(), sender(`Nostr ${token({ age })}`, { stage: 'receive' }));
      if (good) expect(ask()?.actor).toBe(bob.publicKey);
      else expect(ask).toThrow('sign a new one');
    }
  });
});

describe('the authority of a push', () => {
  const signed = `Nostr ${token()}`;
  it.each<[GitAccessContext['access'], GitSender['space'], string | undefined, object | string]>([
    ['signed', 'git', undefined, 'unauthenticated'],
    ['signed', 'git', signed, { kind: 'key', actor: bob.publicKey }],
    ['signed', 'git', 'Nostr x', 'unauthenticated'],
    ['signed', 'grasp', undefined, { kind: 'signed-state' }],
    ['signed', 'grasp', signed, { kind: 'signed-state', caller: { actor: bob.publicKey } }],
    ['signed', 'grasp', 'Nostr x', 'unauthenticated'],
    ['read-only', 'git', signed, 'forbidden'],
    ['read-only', 'git', undefined, 'forbidden'],
    ['read-only', 'grasp', undefined, 'forbidden'],
    ['open', 'git', undefined, { kind: 'anyone' }],
    ['open', 'git', 'Basic whatever', { kind: 'anyone' }],
  ])('to a server that is %s, in the space %s', (access, space, authorization, expected) => {
    const ask = () => authorityOf(context(access), sender(authorization, { space }));
    if (typeof expected === 'string') expect(ask).toThrow(expect.objectContaining({ kind: expected }));
    else expect(ask()).toMatchObject(expected);
  });
});

describe('a reader', () => {
  function stateOf(parts: Partial<GitState>): PublishedGitState {
    return { version: 'v', digest: 'd'.repeat(64), manifest: manifestOf(parts) };
  }
  const policy = {
    announcements: [],
    writers: [alice.publicKey],
    protection: [],
    private: true,
    readers: [bob.publicKey],
  };
  const open = stateOf({ policy: { ...policy, private: false } });
  const closed = stateOf({ policy });
  const withdrawn = stateOf({ policy: { ...policy, private: false }, lifecycle: 'withdrawn' });
  const mine = `Nostr ${token()}`;
  const strange = `Nostr ${token({}, carol)}`;

  it.each<[string, GitAccessContext['access'], PublishedGitState | undefined, string | undefined, string]>([
    ['nobody, public', 'signed', open, undefined, 'admitted'],
    ['a bad token, public', 'signed', open, 'Nostr x', 'admitted'],
    ['nobody, private', 'signed', closed, undefined, 'unauthenticated'],
    ['nobody, not there', 'signed', undefined, undefined, 'unauthenticated'],
    ['nobody, withdrawn', 'signed', withdrawn, undefined, 'unauthenticated'],
    ['a reader, private', 'signed', closed, mine, 'admitted'],
    ['a stranger, private', 'signed', closed, strange, 'not-found'],
    ['a stranger, not there', 'signed', undefined, strange, 'not-found'],
    ['a stranger, withdrawn', 'signed', withdrawn, strange, 'not-found'],
    ['a bad token, private', 'signed', closed, 'Nostr x', 'unauthenticated'],
    ['a bad token, not there', 'signed', undefined, 'Nostr x', 'unauthenticated'],
    ['nobody, private', 'read-only', closed, undefined, 'unauthenticated'],
    ['a reader, private', 'read-only', closed, mine, 'admitted'],
    ['nobody, private', 'open', closed, undefined, 'admitted'],
    ['nobody, not there', 'open', undefined, undefined, 'not-found'],
    ['nobody, withdrawn', 'open', withdrawn, undefined, 'not-found'],
  ])('%s, where access is %s', (_what, access, state, authorization, expected) => {
    const admit = readerOf(context(access), sender(authorization));
    if (expected === 'admitted') expect(admit(state)).toBe(state);
    else expect(() => admit(state)).toThrow(expect.objectContaining({ kind: expected }));
  });

  it.each([
    ['nobody', undefined],
    ['a stranger', strange],
    ['a bad token', 'Nostr x'],
  ])('%s gets the same answer for private and missing repositories', (_who, authorization) => {
    const admit = readerOf(context(), sender(authorization));
    const told = [closed, undefined, withdrawn].map((state) => {
      try {
        admit(state);
      } catch (error) {
        return String(error);
      }
      return 'admitted';
    });
    expect(new Set(told).size).toBe(1);
  });
});
