import { commandKind, type ReceivedCommand } from '../../git/index.ts';
import { cooperate, filtered } from '../../lib/cooperative.ts';

/** Object ids that refs are to point at, each once. */
export async function newTips(commands: readonly ReceivedCommand[]): Promise<string[]> {
  const brings = (command: ReceivedCommand) =>
    command.problem === undefined && commandKind(command) !== 'delete';
  const bringing = await cooperate(filtered(commands, brings));
  return [...new Set(bringing.map((command) => command.newId))];
}
