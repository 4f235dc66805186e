/** A number of things, for people: `1 tag`, `2 tags`. @param many the word for several, if it is not the other one with an s */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
