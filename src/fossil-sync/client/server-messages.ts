import type { Card } from '../../fossil/cards.ts';
import { parsePragma } from '../../fossil/pragmas.ts';
import { readable } from '../../fossil/tokens.ts';
import { CairnError, type ErrorKind } from '../../lib/errors.ts';
import { saferText } from '../../outbound/safer-text.ts';
import type { CheckInLockFailure } from './sync-result.ts';

/** Texts of one session that are kept: a server may repeat them, or invent new ones, in every round. */
const MOST_TEXTS = 100;

/** What a server says to people and about locks in one session. */
export class ServerMessages {
  checkInLockFailure: CheckInLockFailure | undefined;
  private readonly texts = new Set<string>();
  private refusal: CairnError | undefined;

  /** All texts, each once. */
  get errors(): readonly string[] {
    return [...this.texts];
  }

  /** True once the server has said that it takes nothing from this client. */
  pushRefused = false;

  /** Reads a card of a reply. @returns false for cards of another kind */
  read(card: Card): boolean {
    switch (card.card) {
      case 'error': {
        const text = this.keep(card.text);
        this.refusal ??= refusalOf(text);
        return true;
      }
      case 'message':
        if (/not authorized to push/i.test(this.keep(card.text))) this.pushRefused = true;
        return true;
      case 'pragma': {
        const pragma = parsePragma(card);
        if (pragma?.pragma !== 'ci-lock-fail') return false;
        this.checkInLockFailure = { heldBy: pragma.login, since: pragma.time };
        return true;
      }
      default:
        return false;
    }
  }

  /** The first error since the last call, as one to throw. */
  takeRefusal(): CairnError | undefined {
    const { refusal } = this;
    this.refusal = undefined;
    return refusal;
  }

  private keep(text: string): string {
    const shown = saferText(readable(text));
    if (this.texts.size < MOST_TEXTS) this.texts.add(shown);
    return shown;
  }
}

/** Words of stock servers, and what kind of error they mean. */
const KINDS: readonly (readonly [pattern: RegExp, kind: ErrorKind])[] = [
  [/login failed|login required/i, 'unauthenticated'],
  [/not authorized|permission|read.?only/i, 'forbidden'],
  [/wrong project/i, 'conflict'],
  [/too (large|many|much)/i, 'too-large'],
  [/busy|try again|locked/i, 'unavailable'],
];

function refusalOf(text: string): CairnError {
  const kind = KINDS.find(([pattern]) => pattern.test(text))?.[1] ?? 'invalid';
  const message = `the server says: ${text}`;
  return new CairnError(kind, message, { publicText: message });
}
