import { expect, it } from 'vitest';
import { z } from 'zod';
import { MemoryObjectStore } from '../../../../src/object-store/memory.ts';
import { readRecord, updateRecord } from '../../../../src/repository/records/shared-record.ts';
import { InstantClock } from '../../../helpers/instant-clock.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const MIB = 2 ** 20;
const format = z.strictObject({ version: z.literal(1), revision: z.int(), texts: z.array(z.string()) });

it('a record that grows stays readable, and what would make it too large changes nothing', async () => {
  const store = new MemoryObjectStore();
  const place = { store, key: 'record', format, clock: new InstantClock(), random: new SeededRandom(1) };
  const add = () =>
    updateRecord(place, (current) => ({ texts: [...(current?.texts ?? []), 'x'.repeat(3 * MIB)] }));
  for (let count = 1; count <= 5; count++) expect((await add())?.texts).toHaveLength(count);
  for (let time = 0; time < 2; time++) await expect(add()).rejects.toMatchObject({ kind: 'too-large' });
  expect(await readRecord(place)).toMatchObject({ is: 'found', record: { revision: 4 } });
  expect((await updateRecord(place, () => ({ texts: [] })))?.texts).toEqual([]);
});
