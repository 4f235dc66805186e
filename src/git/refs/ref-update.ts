import { isZeroId } from '../object-id.ts';

/** One change of one ref, as a client asks for it. A zero `oldId` creates, a zero `newId` deletes. */
export interface RefCommand {
  readonly name: string;
  readonly oldId: string;
  readonly newId: string;
}

/** What `command` does; a command with two zero ids is the deletion of a ref its sender does not know. */
export function commandKind(command: RefCommand): 'create' | 'update' | 'delete' {
  if (isZeroId(command.newId)) return 'delete';
  return isZeroId(command.oldId) ? 'create' : 'update';
}
