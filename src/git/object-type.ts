/** The types of git's objects. */
export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/** What is known of an object without its content. */
export interface ObjectDescription {
  readonly type: ObjectType;
  /** For a tag: the id of the object that it points at in the end, through other tags. */
  readonly peeled?: string;
}

/** True for the name of an object type. */
export function isObjectType(word: string | undefined): word is ObjectType {
  return word === 'commit' || word === 'tree' || word === 'blob' || word === 'tag';
}
