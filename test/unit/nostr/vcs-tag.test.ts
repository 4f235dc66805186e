import { describe, expect, it } from 'vitest';
import { parseAnnouncement } from '../../../src/nostr/announcement.ts';
import { announcementTemplate } from '../../../src/nostr/announcement-template.ts';
import { namesThisService } from '../../../src/nostr/named-service.ts';
import { fossilUrl, gitUrl } from '../../../src/nostr/repository-url.ts';
import { Person } from '../../helpers/nostr-client.ts';

const BASE = 'https://git.example.org';
const owner = new Person();

function announced(tags: string[][]) {
  return parseAnnouncement(owner.sign(30_617, [['d', 'demo'], ['relays', 'wss://git.example.org'], ...tags]));
}

describe('the vcs tag of an announcement', () => {
  it.each([
    [[], undefined],
    [[['vcs', 'git']], 'git'],
    [[['vcs', 'fossil']], 'fossil'],
  ])('%j means %j', (tags, vcs) => {
    const parsed = announced(tags);
    expect(parsed.ok && parsed.value.vcs).toBe(vcs);
  });

  it('of another system is refused instead of being read as git', () => {
    expect(announced([['vcs', 'pijul']])).toMatchObject({
      ok: false,
      reason: 'the vcs tag must be "git" or "fossil"',
    });
    expect(announced([['vcs']])).toMatchObject({ ok: true });
  });

  it('is kept when an announcement is written again', () => {
    const parsed = announced([['vcs', 'fossil']]);
    if (!parsed.ok) throw new Error(parsed.reason);
    expect(announcementTemplate(parsed.value, 1).tags).toContainEqual(['vcs', 'fossil']);
  });

  it('decides which URL names the service', () => {
    const { publicKey } = owner;
    const [fossil, git] = [fossilUrl(BASE, publicKey, 'demo'), gitUrl(BASE, publicKey, 'demo')];
    const named = (clone: string, ...tags: string[][]) => {
      const parsed = announced([['clone', clone], ...tags]);
      if (!parsed.ok) throw new Error(parsed.reason);
      return namesThisService(parsed.value, BASE).clone;
    };
    expect(named(fossil, ['vcs', 'fossil'])).toBe('fossil');
    expect(named(`${BASE}/fossil/${publicKey}/demo`, ['vcs', 'fossil'])).toBe('fossil');
    expect(named(fossil.replace('https', 'http'), ['vcs', 'fossil'])).toBe('fossil');
    expect(named(git, ['vcs', 'fossil'])).toBe('none');
    expect(named(fossil.replace('demo', 'other'), ['vcs', 'fossil'])).toBe('none');
    expect(named(fossil)).toBe('none');
    expect(named(git)).toBe('git');
  });
});
