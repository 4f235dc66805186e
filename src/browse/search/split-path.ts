/** The names of a path, which is whole and has slashes. */
export function splitPath(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  let from = 0;
  for (let at = path.indexOf(0x2f); at !== -1; at = path.indexOf(0x2f, from)) {
    names.push(path.subarray(from, at));
    from = at + 1;
  }
  names.push(path.subarray(from));
  return names;
}
