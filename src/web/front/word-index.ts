/** Number of first characters that words are grouped by: a search reads only one group. */
const STEM = 2;

/** Finds items by the beginnings of their words. Its work depends on the words that begin alike, and not on all items. */
export class WordIndex<Item extends object> {
  /** By stem, the words; by word, its items. Most words have one item, and then no set. */
  private readonly stems = new Map<string, Map<string, Item | Set<Item>>>();

  add(word: string, item: Item): void {
    const stem = word.slice(0, STEM);
    const words = this.stems.get(stem) ?? new Map<string, Item | Set<Item>>();
    this.stems.set(stem, words);
    const found = words.get(word);
    if (found instanceof Set) found.add(item);
    else if (found === undefined) words.set(word, item);
    else if (found !== item) words.set(word, new Set([found, item]));
  }

  delete(word: string, item: Item): void {
    const stem = word.slice(0, STEM);
    const words = this.stems.get(stem);
    const found = words?.get(word);
    if (words === undefined || found === undefined) return;
    if (found instanceof Set) {
      found.delete(item);
      if (found.size > 0) return;
    } else if (found !== item) return;
    words.delete(word);
    if (words.size === 0) this.stems.delete(stem);
  }

  /** Items with a word that begins so. A single character has to be the whole word. */
  find(beginning: string): ReadonlySet<Item> {
    const words = this.stems.get(beginning.slice(0, STEM)) ?? new Map<string, Item | Set<Item>>();
    const found = new Set<Item>();
    const whole = beginning.length < STEM ? words.get(beginning) : undefined;
    const alike = beginning.length < STEM ? [[beginning, whole] as const] : words;
    for (const [word, items] of alike) {
      if (items === undefined || !word.startsWith(beginning)) continue;
      if (items instanceof Set) for (const item of items) found.add(item);
      else found.add(items);
    }
    return found;
  }
}

/** Characters of a text that are searched, of a word, and of words at most. */
const SEARCHED = 400;
const WORD = 24;

/**
 * The words of a text, as they are searched: in lower case, `myProject` also as `project`.
 * @param most how many at most
 */
export function wordsOf(text: string, most: number): string[] {
  const found = new Set<string>();
  for (const part of text
    .slice(0, SEARCHED)
    .normalize('NFKC')
    .split(/[^\p{L}\p{M}\p{N}]+/u)) {
    if (part === '') continue;
    if (found.size >= most) break;
    found.add(copied(part.toLowerCase().slice(0, WORD)));
    const inner = part.split(/(?<=\p{Ll})(?=\p{Lu})/u).slice(1, 4);
    for (const word of inner) found.add(copied(word.toLowerCase().slice(0, WORD)));
  }
  return [...found].slice(0, most);
}

/** Characters up to which V8 copies a part of a string. A longer part keeps the whole string in memory. */
const COPIED = 12;

/** A string of its own, which keeps no longer one in memory. */
export function copied(text: string): string {
  return text.length <= COPIED ? text : Buffer.from(text, 'utf8').toString('utf8');
}
