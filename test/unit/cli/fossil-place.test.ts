import { describe, expect, it } from 'vitest';
import { placeOf } from '../../../src/cli/fossil/fossil-password.ts';
import { changedFacts } from '../../../src/cli/repository/announcement-changes.ts';
import { repositoryId } from '../../../src/repository/repository-id.ts';
import { Person } from '../../helpers/nostr-client.ts';

const owner = new Person();
const here = { server: 'http://s.example', owner: owner.publicKey, identifier: 'demo' };

describe('the URL of a Fossil repository', () => {
  it.each([
    ['http://s.example/fossil/NPUB/demo', 'http://s.example', 'demo'],
    ['https://user:word@s.example:8443/base/fossil/NPUB/a%20b/', 'https://s.example:8443/base', 'a b'],
  ])('%s names server and repository', (url, server, identifier) => {
    expect(placeOf(url.replace('NPUB', owner.npub))).toEqual({
      server,
      id: repositoryId(owner.publicKey, identifier),
    });
  });

  it.each([
    'http://s.example/git/NPUB/demo.git',
    'http://s.example/fossil/nobody/demo',
    'http://s.example/fossil/NPUB',
  ])('is not %s', (url) => {
    expect(() => placeOf(url.replace('NPUB', owner.npub))).toThrow(/is not the URL of a Fossil repository/);
  });

  it('needs a scheme: without one it is <owner>/<identifier>', () => {
    expect(placeOf(`${owner.npub}/demo`)).toBeUndefined();
  });
});

describe('cairn announce --fossil', () => {
  it('announces the URL and the kind, and keeps both', () => {
    const facts = changedFacts(undefined, { fossil: true }, here);
    expect(facts).toMatchObject({ vcs: 'fossil', clone: [`http://s.example/fossil/${owner.npub}/demo`] });
    const old = { ...facts, id: 'e'.repeat(64), owner: owner.publicKey, at: 1 };
    expect(changedFacts(old, { name: 'New' }, here)).toMatchObject({
      vcs: 'fossil',
      clone: facts.clone,
      name: 'New',
    });
  });

  it.each([
    [{ grasp: true }, '--grasp: only for repositories of git'],
    [{ objectFormat: 'sha256' }, '--object-format: only for repositories of git'],
    [{ protect: ['main no-force'] }, '--protect: only for repositories of git'],
  ])('is refused with %j', (flags, problem) => {
    expect(() => changedFacts(undefined, { fossil: true, ...flags }, here)).toThrow(problem);
  });

  it('is refused for a git repository', () => {
    const git = { ...changedFacts(undefined, {}, here), id: 'e'.repeat(64), owner: owner.publicKey, at: 1 };
    expect(() => changedFacts(git, { fossil: true }, here)).toThrow(
      'a git repository of this name is announced',
    );
  });
});
