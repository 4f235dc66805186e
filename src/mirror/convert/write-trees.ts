import { PACKED_BLOB, PACKED_TREE } from '../../git/index.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import { TwoGenerations } from '../../lib/two-generations.ts';
import { objectId } from './object-id.ts';
import type { PackedType } from './object-table.ts';
import type { PackWriter } from './pack-writer.ts';
import type { PreparedSource } from './prepared-source.ts';
import { type TranslatedTree, type Translation, translateDelta, translateTree } from './tree-translation.ts';
import { writePack } from './write-pack.ts';

/** Converts all trees, each after the trees in it. */
export async function convertTrees(source: PreparedSource): Promise<void> {
  const { counts, objects, table } = source;
  const trees = new TreeConverter(source);
  await writePack(source, {
    kind: 'trees',
    step: 'trees',
    objects: counts.trees,
    held: () => trees.held,
    async write(part) {
      await forgetUnwritten(source, [PACKED_TREE], part.writer.length);
      for (let number = part.next; number < objects.count; number++) {
        if (table.typeOf(number) !== PACKED_TREE || table.placeOf(number) !== 0) continue;
        // The trees that remain to be converted before `number`: a stack of our own, because trees may be very deep.
        const stack = [number];
        for (let next = stack.at(-1); next !== undefined; next = stack.at(-1)) {
          // A tree may be on the stack twice, and be converted by now.
          const isDone = table.placeOf(next) !== 0;
          const missing = isDone ? [] : trees.convert(next, part.writer);
          // In reverse, so that the first one is converted first.
          for (const before of missing.toReversed()) stack.push(before);
          if (missing.length === 0) stack.pop();
          if (missing.length === 0 && !isDone) await part.added(number);
          await source.pause();
        }
      }
    },
  });
}

/** Marks objects of some types as not converted, if the pack does not have them: what was written after the last durable point. */
export async function forgetUnwritten(
  { table, objects, pause }: PreparedSource,
  types: readonly PackedType[],
  length: number,
): Promise<void> {
  for (let number = 0; number < objects.count; number++) {
    const place = table.placeOf(number);
    if (place >= length && types.includes(table.typeOf(number))) table.setPlace(number, 0);
    await pause();
  }
}

class TreeConverter {
  private readonly source: PreparedSource;
  private readonly known: TwoGenerations<number, TranslatedTree>;
  /** Translations that wait for trees in them. One that falls out is begun again. */
  private readonly begun: TwoGenerations<number, Translation>;
  private missing: number[] = [];

  constructor(source: PreparedSource) {
    this.source = source;
    this.known = new TwoGenerations(source.treeCacheBytes / 2);
    this.begun = new TwoGenerations(source.treeCacheBytes / 2);
  }

  get held(): number {
    return this.known.weight + this.begun.weight;
  }

  /** Converts a tree, or returns the numbers of trees that have to be converted before. */
  convert(number: number, writer: PackWriter): readonly number[] {
    const { table, objects } = this.source;
    try {
      let translation = this.begun.get(number) ?? this.begin(number);
      // The base may have been converted meanwhile. Without this, the bytes would depend on what the cache has dropped.
      if (!translation.isDelta && this.baseOf(number) !== -1) translation = this.begin(number);
      this.missing = [];
      if (!translation.complete(this.writeNewId)) {
        this.begun.set(number, translation, weightOf(translation.tree));
        return this.missing;
      }
      this.begun.delete(number);
      const { tree } = translation;
      const { fresh } = tree;
      const delta = translation.delta();
      const place =
        delta !== undefined && delta.length < fresh.length / 2
          ? writer.addDelta(table.placeOf(table.entryOf(number).base), delta)
          : writer.addWhole(PACKED_TREE, fresh);
      table.setNewId(number, objectId('tree', fresh));
      table.setPlace(number, place);
      this.known.set(number, tree, weightOf(tree));
      return [];
    } catch (error) {
      if (error instanceof CairnError && error.kind !== 'corrupt') throw error;
      throw new CairnError('corrupt', `tree ${objects.idOf(number)}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Begins a translation: as a delta only against a tree that is in the pack already. */
  private begin(number: number): Translation {
    const { objects } = this.source;
    const base = this.baseOf(number);
    return base === -1
      ? translateTree(objects.content(number))
      : translateDelta(this.translated(base), objects.entry(number));
  }

  /** The base of a tree that is stored as a delta, if the base is converted already; else -1. */
  private baseOf(number: number): number {
    const { table } = this.source;
    const { base } = table.entryOf(number);
    return base !== -1 && table.placeOf(base) !== 0 ? base : -1;
  }

  /** A tree that is converted already, in both forms. */
  private translated(number: number): TranslatedTree {
    const known = this.known.get(number);
    if (known !== undefined) return known;
    const translation = translateTree(this.source.objects.content(number));
    if (!translation.complete(this.writeNewId))
      throw new Error('a tree was converted before the trees in it');
    this.known.set(number, translation.tree, weightOf(translation.tree));
    return translation.tree;
  }

  private readonly writeNewId = (bytes: Buffer, at: number, target: Buffer, targetAt: number): boolean => {
    const { objects, table } = this.source;
    const found = objects.find(bytes, at);
    const type = found === -1 ? undefined : table.typeOf(found);
    if (type !== PACKED_TREE && type !== PACKED_BLOB) {
      const id = bytes.toString('hex', at, at + 20);
      throw new CairnError(
        'corrupt',
        `it links to ${id}, which is neither a tree nor a blob of this history`,
      );
    }
    if (table.placeOf(found) === 0) {
      this.missing.push(found);
      return false;
    }
    table.copyNewId(found, target, targetAt);
    return true;
  };
}

function weightOf({ old, starts, fresh }: TranslatedTree): number {
  return old.length + starts.byteLength + fresh.length + 300;
}
