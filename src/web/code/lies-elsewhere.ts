import type { PageWord } from '../../nostr/repository-url.ts';

/** A page throws this if another page shows the object at its path. The visitor is redirected. */
export class LiesElsewhere extends Error {
  override readonly name = 'LiesElsewhere';
  /** Takes the place of the word in the URL. */
  readonly word: PageWord;

  constructor(word: PageWord) {
    super(`the page ${word} shows what lies there`);
    this.word = word;
  }
}
