import { beforeEach, describe, expect, it } from 'vitest';
import {
  PULL_REQUEST_WAITS_MS,
  PullRequestUpkeep,
} from '../../../../src/relay/pull-requests/pull-request-upkeep.ts';
import type { Change } from '../../../../src/repository/change.ts';
import type { GitManifest } from '../../../../src/repository/git/git-manifest.ts';
import { pointerKey } from '../../../../src/repository/keys.ts';
import type { Repositories } from '../../../../src/repository/repositories.ts';
import { formatRepositoryId, repositoryId } from '../../../../src/repository/repository-id.ts';
import { ID, manifestOf, oid, RepositoryRig } from '../../../helpers/repository-rig.ts';

const KNOWN = 'a'.repeat(64);
const UNKNOWN = 'b'.repeat(64);
const TIPS: Readonly<Record<string, string>> = { [KNOWN]: oid('2'), [UNKNOWN]: oid('3') };
const { signal } = new AbortController();

let rig: RepositoryRig;
let heardOf: Set<string>;
let upkeep: PullRequestUpkeep;
let manifest: GitManifest;

const get = (id: string) =>
  heardOf.has(id)
    ? { id, pubkey: KNOWN, created_at: 0, kind: 1618, tags: [['c', TIPS[id] ?? '']], content: '', sig: '' }
    : undefined;

beforeEach(async () => {
  rig = new RepositoryRig();
  heardOf = new Set([KNOWN]);
  upkeep = new PullRequestUpkeep({ events: { get }, repositories: rig.repositories, clock: rig.clock });
  manifest = manifestOf({
    refs: new Map([
      ['refs/heads/main', oid('1')],
      [`refs/nostr/${KNOWN}`, oid('2')],
      [`refs/nostr/${UNKNOWN}`, oid('3')],
      ['refs/nostr/notes', oid('4')],
    ]),
  });
  await rig.publish(manifest);
});

async function refs(): Promise<string[]> {
  return [...((await rig.cold().repository.resolve())?.manifest.refs.keys() ?? [])];
}

const WITHOUT = ['refs/heads/main', `refs/nostr/${KNOWN}`, 'refs/nostr/notes'];
const ALL = ['refs/heads/main', `refs/nostr/${KNOWN}`, `refs/nostr/${UNKNOWN}`, 'refs/nostr/notes'];

describe('a ref of a pull request (issue 11, point 8)', () => {
  it('is removed if its event has not come for twenty minutes, and no other ref is', async () => {
    upkeep.note(ID, manifest);
    rig.clock.advance(PULL_REQUEST_WAITS_MS - 1);
    await upkeep.run(signal);
    expect(await refs()).toEqual(ALL);
    rig.clock.advance(1);
    await upkeep.run(signal);
    expect(await refs()).toEqual(WITHOUT);
  });

  it('does not wait longer if the repository is pushed to meanwhile', async () => {
    upkeep.note(ID, manifest);
    rig.clock.advance(PULL_REQUEST_WAITS_MS);
    upkeep.note(ID, manifest);
    await upkeep.run(signal);
    expect(await refs()).toEqual(WITHOUT);
  });

  it('stays if its event comes in time, even at the last moment', async () => {
    upkeep.note(ID, manifest);
    rig.clock.advance(PULL_REQUEST_WAITS_MS);
    heardOf.add(UNKNOWN);
    await upkeep.run(signal);
    expect(await refs()).toEqual(ALL);
  });

  it('is timed from when it is first seen, not from when it was pushed', async () => {
    rig.clock.advance(PULL_REQUEST_WAITS_MS);
    upkeep.note(ID, manifest);
    await upkeep.run(signal);
    expect(await refs()).toEqual(ALL);
  });

  it('is removed in time if it is pushed while another one is removed', async () => {
    const repository = rig.repositories.get(ID);
    const late = `refs/nostr/${'c'.repeat(64)}`;
    const push: Change<GitManifest, void> = {
      since: 0,
      evaluate: async (state) => ({
        ...(state === undefined
          ? {}
          : {
              next: { ...state, refs: new Map([...state.refs, [late, oid('5')]]) },
              cause: { kind: 'push', actor: null, evidence: null, refs: [late] },
            }),
        result: undefined,
      }),
    };
    const join: typeof repository.publisher.join = async (change) => {
      const { committed } = await repository.publisher.join(push);
      if (committed.manifest !== undefined) upkeep.note(ID, committed.manifest);
      return repository.publisher.join(change);
    };
    const overtaken = { mark: () => repository.mark(), publisher: { join } };
    const repositories = { get: () => overtaken } as unknown as Repositories;
    upkeep = new PullRequestUpkeep({ events: { get }, repositories, clock: rig.clock });
    upkeep.note(ID, manifest);
    rig.clock.advance(PULL_REQUEST_WAITS_MS);
    await upkeep.run(signal);
    expect(await refs()).toContain(late);
    rig.clock.advance(PULL_REQUEST_WAITS_MS);
    await upkeep.run(signal);
    expect(await refs()).toEqual(WITHOUT);
  });

  it('is removed in time if another repository fails, and that failure is reported and tried again', async () => {
    const other = repositoryId(ID.owner, 'other');
    upkeep.note(other, manifest);
    upkeep.note(ID, manifest);
    rig.clock.advance(PULL_REQUEST_WAITS_MS);
    const damaged = pointerKey(other);
    rig.store.next(
      ({ operation, key }) => operation === 'get' && key === damaged,
      { does: 'unavailable' },
      20,
    );
    await expect(upkeep.run(signal)).rejects.toThrow(`${formatRepositoryId(other)}: `);
    expect(await refs()).toEqual(WITHOUT);
    rig.store.reset();
    await upkeep.run(signal);
  });
});
