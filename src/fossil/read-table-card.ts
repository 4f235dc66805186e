import type { Bytes } from '../lib/file-bytes.ts';
import type { CardLine } from './card-line.ts';
import type { TableCard } from './cards.ts';

/**
 * Reads a card of the table extension.
 * @returns undefined if the name of the card is not one of them. Throws `FossilSyntaxError`
 */
export function readTableCard(line: CardLine<Bytes>): TableCard | undefined {
  switch (line.card) {
    case 'schema':
      line.takes(5);
      return {
        card: 'schema',
        table: line.token(0),
        version: line.count(1),
        hash: line.token(2),
        time: line.count(3),
        content: line.content(line.count(4)),
      };
    case 'xigot':
      line.takes(3);
      return { card: 'xigot', table: line.token(0), key: line.token(1), time: line.count(2) };
    case 'xgimme':
      line.takes(2);
      return { card: 'xgimme', table: line.token(0), key: line.token(1) };
    case 'xrow':
    case 'xdelete':
      line.takes(4);
      return {
        card: line.card,
        table: line.token(0),
        key: line.token(1),
        time: line.count(2),
        content: line.content(line.count(3)),
      };
    default:
      return undefined;
  }
}
