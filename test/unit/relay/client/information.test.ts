import { describe, expect, it } from 'vitest';
import { relayInformation } from '../../../../src/relay/client/information.ts';
import { defaultRelayLimits } from '../../../../src/relay/client/relay-limits.ts';

const facts = {
  base: 'https://git.example.org',
  self: 'ab'.repeat(32),
  version: '1.2.3',
  limits: defaultRelayLimits,
};

describe('the relay information document', () => {
  it('has the fields of GRASP-01, and the service key', () => {
    const document = relayInformation(facts);
    expect(document).toMatchObject({
      name: 'git.example.org',
      self: facts.self,
      version: '1.2.3',
      supported_grasps: ['GRASP-01'],
      repo_acceptance_criteria: expect.stringContaining('https://git.example.org'),
    });
    expect(document).not.toHaveProperty('curation');
    expect(document.supported_nips).toEqual([1, 9, 11, 34, 40, 42, 45, 70, 98]);
  });

  it('names the enforced limits', () => {
    const limits = { ...defaultRelayLimits, subscriptionsPerConnection: 7, eventsPerFilter: 11 };
    expect(relayInformation({ ...facts, limits }).limitation).toMatchObject({
      max_subscriptions: 7,
      max_limit: 11,
      max_message_length: 524_288,
      created_at_upper_limit: 900,
      restricted_writes: true,
    });
  });

  it('has the operator’s texts (issue 11, point 24)', () => {
    const document = relayInformation({ ...facts, name: 'Forge', contact: 'mailto:ops@example.org' });
    expect(document).toMatchObject({ name: 'Forge', contact: 'mailto:ops@example.org' });
    const told = {
      description: 'For our people.',
      icon: 'https://example.org/icon.png',
      operator: 'cd'.repeat(32),
    };
    expect(relayInformation({ ...facts, ...told })).toMatchObject({
      description: told.description,
      icon: told.icon,
      pubkey: told.operator,
      self: facts.self,
    });
    for (const name of ['contact', 'icon', 'pubkey']) {
      expect(relayInformation(facts)).not.toHaveProperty(name);
    }
    const criteria = relayInformation({ ...facts, maxRepositoriesPerOwner: 1_000 }).repo_acceptance_criteria;
    expect(criteria).toContain('1000');
    const ofFew = (maxRepositoriesPerOwner: number) =>
      relayInformation({ ...facts, maxRepositoriesPerOwner }).repo_acceptance_criteria;
    expect(ofFew(1)).toContain('may have one repository here');
    expect(ofFew(0)).toBe('This server takes no new repositories.');
    expect(relayInformation({ ...facts, readOnly: true }).repo_acceptance_criteria).toContain('read-only');
  });
});
