/** The ids of the rendered texts of one page: an id names one element, and links lead to it. */
export class TextIds {
  /** Names that headings have. */
  private readonly names = new Set<string>();
  /** The number that the next heading with the same words tries first. */
  private readonly next = new Map<string, number>();
  private readonly taken = new Set<string>();
  private texts = 0;

  /** Counts the texts. @returns the number of a text that begins, from 1 */
  beginText(): number {
    return ++this.texts;
  }

  /** Reserves a name that the text gives an element itself. */
  reserve(name: string): void {
    this.names.add(name);
  }

  /** A name that no heading has yet: `use`, then `use-1`. @param name from the words of the heading; not empty */
  nameHeading(name: string): string {
    let number = this.next.get(name) ?? 0;
    let free = number === 0 ? name : `${name}-${number}`;
    while (this.names.has(free)) free = `${name}-${++number}`;
    this.next.set(name, number + 1);
    this.names.add(free);
    return free;
  }

  /** Takes an id for an element. @returns false if an element before has it */
  take(id: string): boolean {
    if (this.taken.has(id)) return false;
    this.taken.add(id);
    return true;
  }
}
