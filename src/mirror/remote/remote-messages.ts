import { saferText } from '../../outbound/safer-text.ts';

/** Lines that are kept: the reason of a refusal is among the last. */
const MOST_LINES = 20;

/** What git writes while it works, in its own words or in those of a server that passes them on. */
const PROGRESS =
  /^(remote: )?([A-Z][\w -]{2,40}: +\d+(% \(\d+\/\d+\))?(, .*)?|Total \d+ \(delta .*|Processing changes: .*)$/;

/** True for a line that only says how far git is. */
export function isProgress(line: string): boolean {
  return PROGRESS.test(line.trim());
}

/** The last lines that a remote has said to people, without its progress: hooks and hosts explain there why they refuse a push. */
export class RemoteMessages {
  private kept: string[] = [];
  private rest = '';

  /** The lines, the oldest first. They are safe for a terminal. */
  get lines(): readonly string[] {
    const last = saferText(this.rest);
    return last === '' || isProgress(last) ? this.kept : [...this.kept, last];
  }

  /** Takes a text as it was sent. */
  add(text: string): void {
    const lines = (this.rest + text).split(/[\r\n]/);
    this.rest = (lines.pop() ?? '').slice(-MOST_CHARACTERS);
    for (const line of lines) {
      const safe = saferText(line);
      // Each of several pushes may be explained in the same words.
      if (safe !== '' && !isProgress(safe) && safe !== this.kept.at(-1)) this.kept.push(safe);
    }
    this.kept = this.kept.slice(-MOST_LINES);
  }
}

/** Characters of a line without an end that are waited for. */
const MOST_CHARACTERS = 4_096;
