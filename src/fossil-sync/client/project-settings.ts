import type { Card } from '../../fossil/cards.ts';

/** Groups of settings that a client asks for: what belongs to the project as a whole. */
export const PROJECT_GROUP = '/project';

/** One setting in a `/config` card: a time, the quoted name, and the quoted value. */
const SETTING = /^\d+ '((?:[^']|'')*)' value '((?:[^']|'')*)'/;

/** Longest value that is kept, in characters. */
const LONGEST = 1_000;

/** The settings of a project that a clone takes over. Others, and those of a server's users, are left alone. */
export class ProjectSettings {
  projectName = '';
  hashPolicy: string | undefined;

  /** Reads a card of a reply; cards of other kinds and other settings are ignored. */
  read(card: Card): void {
    if (card.card !== 'config' || card.name !== '/config') return;
    const [, name, value = ''] = SETTING.exec(Buffer.from(card.content).toString('utf8')) ?? [];
    const text = value.replaceAll("''", "'").slice(0, LONGEST);
    if (name === 'project-name') this.projectName = text;
    if (name === 'hash-policy') this.hashPolicy = hashPolicyOf(text);
  }
}

/** The policies by their numbers in Fossil (`hname.c`). */
function hashPolicyOf(number: string): string | undefined {
  return ['sha1', 'auto', 'sha3', 'sha3-only', 'shun-sha1'][/^\d$/.test(number) ? Number(number) : -1];
}
