/** What operators set about requests of Fossil clients reaches the intake of a whole server. */
import { expect, it } from 'vitest';
import { MemoryBag } from '../../../src/fossil-sync/client/memory-bag.ts';
import { sync } from '../../../src/fossil-sync/client/sync.ts';
import { openHttpTransport } from '../../../src/fossil-sync/open-http-transport.ts';
import { CreateFossil, newFossilState } from '../../../src/repository/fossil/create-fossil.ts';
import type { ReceivedArtifact } from '../../../src/repository/fossil/prepared-artifacts.ts';
import { repositoryId } from '../../../src/repository/repository-id.ts';
import { checkIn, delta, lines, whole } from '../../helpers/fossil-rig.ts';
import { OWNER, startServer } from '../../helpers/server.ts';

const ID = repositoryId(OWNER, 'limits');

it('settings limit one artifact, the artifacts of a request, their expanded size, and unversioned files', async () => {
  await using server = await startServer({
    flags: {
      'fossil-max-artifact': '64KiB',
      'fossil-max-artifacts': '40',
      'fossil-max-expanded': '1MiB',
      'fossil-max-unversioned': '1000',
    },
  });
  const repository = server.fossil.get(ID);
  const projectCode = 'c'.repeat(40);
  const state = newFossilState(ID, '1'.repeat(32), { projectCode });
  await repository.publisher.join(new CreateFossil(state, repository.mark()));
  await using opened = openHttpTransport({ url: `${server.url}/fossil/${OWNER}/limits` });
  const push = async (...artifacts: ReceivedArtifact[]) => {
    const bag = new MemoryBag(projectCode);
    await bag.take({ artifacts });
    return sync(bag, opened.transport, { limits: { sendBytes: 4_000_000 } });
  };
  await expect(push(whole(Buffer.alloc(65_537, 'x')))).rejects.toThrow(/at most 65536 are taken/);
  const texts = (count: number) => Array.from({ length: count }, (_, at) => whole(`text ${at}`));
  await expect(push(...texts(41))).rejects.toThrow(/more than 40 artifacts/);
  // Each delta repeats the 60 kB that it is made of: a few hundred bytes of request expand to more than may be.
  const base = whole(lines(0, 1_500));
  const versions = Array.from({ length: 30 }, (_, at) => delta(base, whole(`${at}\n${base.payload}`)));
  await expect(push(base, ...versions)).rejects.toThrow(/expand to more than 1048576 bytes/);
  const bag = new MemoryBag(projectCode);
  const content = Buffer.alloc(2_000, 'u');
  const { name: hash } = whole(content);
  const file = { name: 'large.bin', time: 1_700_000_000, hash, size: content.length, content };
  await bag.take({ artifacts: [], unversioned: [file] });
  await expect(sync(bag, opened.transport, { unversioned: true })).rejects.toThrow(/unversioned/);
  await expect(push(checkIn('fits'), whole(lines(0, 10)))).resolves.toMatchObject({ filesSent: 2 });
  expect((await repository.resolve())?.manifest.artifacts).toBe(2);
});
