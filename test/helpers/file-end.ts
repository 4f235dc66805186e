/** What the tests of one file share, and {@link endFile} ends when they are done. */
const ends: (() => void | Promise<void>)[] = [];

/** Has something done when the tests of this file are done. */
export function atFileEnd(end: () => void | Promise<void>): void {
  ends.push(end);
}

export async function endFile(): Promise<void> {
  for (const end of ends.splice(0)) await end();
}
