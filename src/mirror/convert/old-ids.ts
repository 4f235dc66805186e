import type { PreparedSource } from './prepared-source.ts';

/**
 * A text in which the new ids of converted objects are replaced by their old ones, which people know. It reads the whole table,
 * so it is for errors.
 */
export async function withOldIds(source: PreparedSource, text: string): Promise<string> {
  const { objects, table, pause } = source;
  const mentioned = new Set(text.match(/\b[0-9a-f]{64}\b/g));
  const old = new Map<string, string>();
  const id = Buffer.alloc(32);
  for (let number = 0; number < objects.count && old.size < mentioned.size; number++) {
    if (table.placeOf(number) !== 0) {
      table.copyNewId(number, id, 0);
      const hex = id.toString('hex');
      if (mentioned.has(hex)) old.set(hex, objects.idOf(number));
    }
    await pause();
  }
  return text.replace(/\b[0-9a-f]{64}\b/g, (hex) => old.get(hex) ?? hex);
}
