import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/lib/digest.ts';
import { PublishSubscribers } from '../../../src/server/publish-subscribers.ts';
import { ID, manifestOf } from '../../helpers/repository-rig.ts';

const publish = [ID, manifestOf(), sha256('manifest')] as const;

describe('subscribers to publishes', () => {
  it('hear of each publish, in the order of the list', () => {
    const heard: string[] = [];
    const subscribers = new PublishSubscribers();
    for (const name of ['log', 'receipts']) {
      subscribers.add((id, { depth }) => heard.push(`${name} ${id.identifier} ${depth}`));
    }
    subscribers.complete();
    subscribers.published(...publish);
    expect(heard).toEqual(['log rig 0', 'receipts rig 0']);
  });

  it('are all registered before the first publish', () => {
    const subscribers = new PublishSubscribers();
    expect(() => subscribers.published(...publish)).toThrow(/before the list of subscribers was complete/);
    subscribers.complete();
    expect(() => subscribers.add(() => undefined)).toThrow(/may have happened/);
  });
});
