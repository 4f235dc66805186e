import { isZeroId } from '../object-id.ts';

/** A client's request to change one ref. A zero `oldId` creates it, a zero `newId` deletes it. */
export interface RefCommand {
  readonly name: string;
  readonly oldId: string;
  readonly newId: string;
}

/** What `command` does. A command with two zero ids deletes a ref whose value the client does not know. */
export function commandKind(command: RefCommand): 'create' | 'update' | 'delete' {
  if (isZeroId(command.newId)) return 'delete';
  return isZeroId(command.oldId) ? 'create' : 'update';
}
