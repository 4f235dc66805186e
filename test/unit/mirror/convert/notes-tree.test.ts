import { describe, expect, it } from 'vitest';
import { NotesTree } from '../../../../src/mirror/convert/notes-tree.ts';
import { objectId } from '../../../../src/mirror/convert/object-id.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

describe('a tree of notes', () => {
  it.each([1, 2, 3])(
    'has the same result in steps as at once, and writes changed trees only (seed %i)',
    (seed) => {
      const random = new SeededRandom(seed);
      const changing = new NotesTree();
      const files = new Map<string, { mode: string; id: Buffer }>();
      const noted = { trees: 0 };
      for (let step = 0; step < 300; step++) {
        const path = `${random.below(8)}a/${random.below(6)}${random.fraction() < 0.3 ? '/deep' : 'x'}`;
        const file = { mode: '100644', id: Buffer.from(random.hex(32), 'hex') };
        if (random.fraction() < 0.4) {
          files.delete(path);
          changing.delete(path.split('/'));
        } else {
          files.set(path, file);
          changing.set(path.split('/'), file);
        }
        let written = 0;
        const root = changing.write((content) => {
          written++;
          return objectId('tree', content);
        });
        // The root, a folder, and one in it; a removed one makes its parents change.
        expect(written).toBeLessThanOrEqual(3);
        noted.trees += written;
        const whole = new NotesTree();
        for (const [name, entry] of files) whole.set(name.split('/'), entry);
        expect(root.equals(whole.write((content) => objectId('tree', content)))).toBe(true);
      }
      expect(noted.trees).toBeGreaterThan(300);
    },
  );

  it('sorts folders as git does', () => {
    const tree = new NotesTree();
    const file = { mode: '100644', id: Buffer.alloc(32) };
    for (const path of ['a', 'a-b', 'a.b/c', 'a0']) tree.set(path.split('/'), file);
    tree.set(['ab', 'c'], file);
    tree.delete(['ab', 'c']);
    const names: string[] = [];
    tree.write((content) => {
      names.push(...(content.toString('latin1').match(/(?<= )[a-z0-9.-]+(?=\0)/g) ?? []));
      return objectId('tree', content);
    });
    expect(names).toEqual(['c', 'a', 'a-b', 'a.b', 'a0']);
  });
});
