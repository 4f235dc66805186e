/** What a repository says of a pack that lacks objects. */
const LACKS_OBJECTS =
  /missing necessary objects|did not receive expected object|shallow update not allowed|unresolved delta/i;

/** True for the reason of a refusal that a pack without all needed objects has. */
export function lacksObjects(reason: string): boolean {
  return LACKS_OBJECTS.test(reason);
}

/** A reason for people, with what is most likely behind it. */
export function withLikelyCause(reason: string): string {
  if (!lacksObjects(reason)) return reason;
  return `${reason} (the source does not send all objects that its refs need: is it a shallow or partial clone?)`;
}
