import type { PageWord } from '../../nostr/repository-url.ts';

/** A page throws this when another one shows what lies at its path. The visitor is sent there. */
export class LiesElsewhere extends Error {
  override readonly name = 'LiesElsewhere';
  /** Takes the place of the word in the URL. */
  readonly word: PageWord;

  constructor(word: PageWord) {
    super(`the page ${word} shows what lies there`);
    this.word = word;
  }
}
