import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../../src/nostr/event.ts';
import { kinds } from '../../../src/nostr/kinds.ts';
import { announcement, deletion, idOf, verified } from '../../helpers/relay-rig.ts';
import { TrustRig } from '../../helpers/trust-rig.ts';
import { type Author, alice, author, bob, carol, dave } from '../nostr/authors.ts';

const NOW = 1_900_000_000;
const ADDRESS = `${kinds.repository}:${alice.publicKey}:project`;
const signer = new TrustRig().relay.service.signerOf(idOf(alice));

const about = (by: Author, kind: number, tags: readonly string[][] = [], at = NOW - 50): NostrEvent =>
  by.sign({ kind, at, tags: [['a', ADDRESS], ...tags.map((tag) => [...tag])] });
const issue = about(carol, kinds.issue);
const retracted = about(carol, kinds.issue, [['subject', 'a mistake']]);
const comment = bob.sign({ kind: kinds.comment, tags: [['E', issue.id]] });
const retraction = carol.sign({ kind: kinds.deletion, tags: [['e', retracted.id]] });
const profile = alice.sign({ kind: kinds.profile, at: NOW - 50 });
const state = (by: Author, at: number): NostrEvent =>
  by.sign({
    kind: kinds.repositoryState,
    at,
    tags: [
      ['d', 'project'],
      ['refs/heads/main', 'd'.repeat(40)],
    ],
  });
const waiting = state(bob, NOW - 20);
const inForce = state(alice, NOW - 30);
const receipt = signer.sign({
  kind: kinds.repositoryState,
  created_at: NOW - 31,
  tags: [
    ['d', 'project'],
    ['a', ADDRESS],
  ],
  content: '',
});
const secret = [
  ['private', 'true'],
  ['reader', carol.publicKey],
];
const own = announcement(alice, { at: NOW - 100, maintainers: [bob], tags: secret });
const theirs = announcement(bob, { at: NOW - 90, as: 'elsewhere', maintainers: [alice] });

/** A server with somebody's public repository, and with Alice's private one and all that belongs to it, or without. */
async function world(withPrivate: boolean): Promise<TrustRig> {
  const rig = new TrustRig();
  rig.relay.clock.advance(NOW * 1000 - rig.relay.clock.now());
  await rig.relay.announce(announcement(dave, { at: NOW - 200, identifier: 'open' }));
  if (!withPrivate) return rig;
  await rig.relay.announce(own);
  await rig.relay.announce(theirs);
  const kept = [issue, retracted, comment, retraction, profile, inForce, receipt];
  await rig.relay.events.append(kept.map(verified));
  expect((await rig.send(waiting, new Set([bob.publicKey]))).accepted).toBe(true);
  return rig;
}

/** The same, when Alice has withdrawn it. */
async function withdrawn(withPrivate: boolean): Promise<TrustRig> {
  const rig = await world(withPrivate);
  if (withPrivate) await rig.relay.withdraw(deletion(alice, NOW - 10));
  return rig;
}

/** What anybody may have of the time when it was public, or from other relays. */
const replayed: readonly [string, NostrEvent][] = [
  ['its announcement as it was', announcement(alice, { at: NOW - 150, maintainers: [bob] })],
  ['an announcement of it in the form of GRASP', announcement(alice, { at: NOW - 150, as: 'grasp' })],
  ['its announcement as it is', own],
  ["a maintainer's announcement", theirs],
  ["a maintainer's announcement as it was", announcement(bob, { at: NOW - 95, as: 'elsewhere' })],
  ['a state that waits', waiting],
  ['an older state', state(bob, NOW - 40)],
  ['a newer state', state(bob, NOW - 5)],
  ['a state in force', inForce],
  ['a receipt', receipt],
  ['an attestation', about(signerAsAuthor(), kinds.applicationData, [['d', 'x']])],
  ['an issue', issue],
  ['an issue that its author has taken back', retracted],
  ['a comment', comment],
  ['an answer to the comment', carol.sign({ kind: kinds.comment, tags: [['e', comment.id]] })],
  ['a patch', about(carol, kinds.patch)],
  ['a pull request', about(carol, kinds.pullRequest, [['c', 'd'.repeat(40)]])],
  ['an update of it', about(carol, kinds.pullRequestUpdate, [['c', 'd'.repeat(40)]])],
  ...[kinds.statusOpen, kinds.statusApplied, kinds.statusClosed, kinds.statusDraft].map(
    (kind): [string, NostrEvent] => [
      `a status of kind ${kind}`,
      alice.sign({ kind, tags: [['e', issue.id, '', 'root']] }),
    ],
  ),
  ['the profile of its owner', profile],
  ['an older profile', alice.sign({ kind: kinds.profile, at: NOW - 70 })],
  ['where a maintainer may be found', bob.sign({ kind: kinds.graspList, at: NOW })],
  ['what took the issue back', retraction],
  ['what takes another back', carol.sign({ kind: kinds.deletion, tags: [['e', issue.id]] })],
  ['what takes back a state that waits', bob.sign({ kind: kinds.deletion, tags: [['e', waiting.id]] })],
  [
    'what takes back all states',
    bob.sign({
      kind: kinds.deletion,
      at: NOW,
      tags: [['a', `${kinds.repositoryState}:${bob.publicKey}:project`]],
    }),
  ],
  ['its withdrawal', deletion(alice, NOW - 10)],
  ['a withdrawal of it by its id', alice.sign({ kind: kinds.deletion, tags: [['e', own.id]] })],
];

function signerAsAuthor(): Author {
  return author(70);
}

/** What names the repository, or says what its refs are, tells nothing when it has been withdrawn either. */
const isNaming = ({ kind, tags }: NostrEvent) =>
  kind === kinds.repositoryState || kind === kinds.repository || tags.some(([name]) => name === 'a');

const senders: readonly [string, ReadonlySet<string>][] = [
  ['somebody who has shown no key', new Set()],
  ['somebody who has shown a key', new Set([dave.publicKey])],
];

describe('a public event that is sent again does not reveal whether a private repository is here (issue 11, point 13)', () => {
  it.each(replayed)('%s', async (_, event) => {
    for (const [who, sender] of senders) {
      for (const make of isNaming(event) ? [world, withdrawn] : [world]) {
        const [there, none] = await Promise.all([make(true), make(false)]);
        const what = `${who}, ${make.name}`;
        if (make === world) expect(there.found(sender), what).toEqual(none.found(sender));
        expect(await there.send(event, sender), what).toEqual(await none.send(event, sender));
        // What asks for a public repository makes one, where there is none: that can be seen.
        if (event.kind === kinds.repository) continue;
        const withdraws = event.kind === kinds.deletion && event.pubkey === alice.publicKey;
        if (make === world && !withdraws) expect(there.found(sender), what).toEqual(none.found(sender));
        expect(await there.send(event, sender), `${what}, again`).toEqual(await none.send(event, sender));
      }
    }
  });

  it('members of the repository get the answer', async () => {
    const rig = await world(true);
    expect((await rig.send(waiting, new Set([carol.publicKey]))).note).toMatch(/^purgatory: /);
    expect((await rig.send(own, new Set([bob.publicKey]))).note).toMatch(/^duplicate: /);
    expect((await rig.send(issue, new Set([carol.publicKey]))).note).toMatch(/^duplicate: /);
    expect((await rig.send(retracted, new Set([carol.publicKey]))).note).toMatch(/^blocked: .*deleted/);
    expect((await rig.send(deletion(alice, NOW), new Set([alice.publicKey]))).accepted).toBe(true);
  });
});
