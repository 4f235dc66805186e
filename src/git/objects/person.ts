/** Who made a commit or a tag, and when: git's `Name <address> <seconds> <zone>`. */
export interface Person {
  /** Name and address of the object, decoded. Both may be empty. */
  readonly name: string;
  readonly email: string;
  /** Seconds since 1970; may be negative. 0 where the object has no date that can be read. */
  readonly time: number;
  /** Minutes east of UTC. */
  readonly zone: number;
}

/** The name ends at the first `<`, as for git: otherwise a line of very many of them would be tried from each. */
const LINE = /^([^<]*)<([^>]*)>(?: +(-?\d{1,18}))?(?: +([+-]\d{2})(\d{2}))?/s;
/** The largest distance from 1970 in seconds for which JavaScript has dates. */
const FARTHEST = 8_640_000_000_000;

/**
 * Reads an author, committer or tagger. Old histories have all kinds of lines: what cannot be read is empty or 0, as git
 * shows it.
 */
export function parsePerson(line: string): Person {
  const [whole, name = '', email = '', seconds = '0', hours = '+00', minutes = '00'] = LINE.exec(line) ?? [];
  if (whole === undefined) return { name: line.trim(), email: '', time: 0, zone: 0 };
  const sign = hours.startsWith('-') ? -1 : 1;
  return {
    name: name.trim(),
    email: email.trim(),
    time: readTime(seconds),
    zone: sign * (Math.abs(Number(hours)) * 60 + Number(minutes)),
  };
}

/**
 * Reads the seconds of a date, of which git shows any number.
 * @returns seconds since 1970; 0 for none, and for a date that JavaScript does not have
 */
export function readTime(seconds: string): number {
  const time = Number(seconds);
  return Math.abs(time) <= FARTHEST ? time : 0;
}
