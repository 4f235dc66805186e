import { answerTables } from '../table-sync/table-exchange.ts';
import type { Round } from './round.ts';

/**
 * Answers the cards of the table extension, if the server has tables. Rows are taken from users who may push.
 */
export function answerTableCards({ request, reply, context }: Round): void {
  const { tables, rights, user, limits } = context;
  if (tables === undefined || request.tableCards.length === 0) return;
  const sender = rights.write ? user : undefined;
  for (const card of answerTables(tables, request.tableCards, sender, limits.replyBytes)) reply.add(card);
}
