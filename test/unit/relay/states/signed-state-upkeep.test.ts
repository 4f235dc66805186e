import { describe, expect, it } from 'vitest';
import type { VerifiedEvent } from '../../../../src/nostr/event.ts';
import { SignedStateUpkeep } from '../../../../src/relay/states/signed-state-upkeep.ts';
import type { CauseKind } from '../../../../src/repository/manifest.ts';
import { repositoryId } from '../../../../src/repository/repository-id.ts';
import { ID, manifestOf } from '../../../helpers/repository-rig.ts';

const { signal } = new AbortController();

/** An upkeep over two signed states that wait, and what it has sent again. */
function upkeepOf(failures: { left: number } = { left: 0 }) {
  const sent: string[] = [];
  const upkeep = new SignedStateUpkeep({
    heldIn: async () => {
      if (failures.left-- > 0) throw new Error('the store is away');
      return [
        { id: 'newer', author: 'a', at: 2 },
        { id: 'older', author: 'b', at: 1 },
      ];
    },
    signedEvents: { load: async (_place, id) => ({ id }) as VerifiedEvent },
    apply: async ({ id }) => {
      sent.push(id);
      return { accepted: true, note: '' };
    },
  });
  return { upkeep, sent };
}

function publishOf(kind: CauseKind) {
  return manifestOf({ causes: [{ kind, actor: null, evidence: null, refs: [] }] });
}

describe('waiting signed states', () => {
  it('are checked again after a push, oldest first, and once', async () => {
    const { upkeep, sent } = upkeepOf();
    upkeep.note(ID, publishOf('push'));
    upkeep.note(ID, publishOf('push'));
    await upkeep.run(signal);
    await upkeep.run(signal);
    expect(sent).toEqual(['older', 'newer']);
  });

  it.each<CauseKind>(['order', 'announce', 'fold', 'head'])('are left alone after %s', async (kind) => {
    const { upkeep, sent } = upkeepOf();
    upkeep.note(ID, publishOf(kind));
    await upkeep.run(signal);
    expect(sent).toEqual([]);
  });

  it('are checked by the next run if the store failed', async () => {
    const { upkeep, sent } = upkeepOf({ left: 1 });
    upkeep.note(ID, publishOf('push'));
    await expect(upkeep.run(signal)).rejects.toThrow('the store is away');
    await upkeep.run(signal);
    expect(sent).toEqual(['older', 'newer']);
  });

  it('are checked again after a push that comes while they are checked', async () => {
    const sent: string[] = [];
    const upkeep = new SignedStateUpkeep({
      heldIn: async () => [{ id: 'waits', author: 'a', at: 1 }],
      signedEvents: { load: async (_place, id) => ({ id }) as VerifiedEvent },
      apply: async ({ id }) => {
        sent.push(id);
        // Its objects were not here yet when this began.
        if (sent.length === 1) upkeep.note(ID, publishOf('push'));
        return { accepted: true, note: '' };
      },
    });
    upkeep.note(ID, publishOf('push'));
    for (let run = 0; run < 3; run++) await upkeep.run(signal);
    expect(sent).toEqual(['waits', 'waits']);
  });

  it('are checked even if another repository or signed state fails', async () => {
    const other = repositoryId(ID.owner, 'other');
    const sent: string[] = [];
    const upkeep = new SignedStateUpkeep({
      heldIn: async ({ identifier }) => {
        if (identifier === 'other') throw new Error('damaged');
        return ['older', 'newer'].map((id, at) => ({ id, author: 'a', at }));
      },
      signedEvents: { load: async (_place, id) => ({ id }) as VerifiedEvent },
      apply: async ({ id }) => {
        if (id === 'older') throw new Error('cannot be read');
        sent.push(id);
        return { accepted: true, note: '' };
      },
    });
    upkeep.note(other, publishOf('push'));
    upkeep.note(ID, publishOf('push'));
    const ended = upkeep.run(signal);
    await expect(ended).rejects.toThrow(/other: damaged; .*older: cannot be read$/);
    expect(sent).toEqual(['newer']);
  });
});
