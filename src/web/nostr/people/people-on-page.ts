import { skeleton } from '../../../nostr/collaboration/profile.ts';
import { formatNpub } from '../../../nostr/public-key.ts';
import type { People } from '../../../relay/discussions/people.ts';
import type { Authenticated } from '../../../relay/publication.ts';

/** Somebody on a page. The key says who it is; all else is for readers. */
export interface ShownPerson {
  /** Public key in hex. */
  readonly key: string;
  readonly npub: string;
  /** The name that the person chose; it is not verified. */
  readonly name?: string;
  /** The rights in the repository that the page is about. */
  readonly role?: Role;
  /** Set when somebody with rights has a name that looks the same. */
  readonly looksLike?: Role;
}

export type Role = 'owner' | 'maintainer';

/** Profiles that are looked up for one page; of others only the key is shown. */
const MOST_PROFILES = 300;

/** The people on one page. */
export class PeopleOnPage {
  private readonly people: Pick<People, 'profile'>;
  private readonly reader: Authenticated;
  private readonly roles: ReadonlyMap<string, Role>;
  private readonly shown = new Map<string, ShownPerson>();
  private names: ReadonlyMap<string, Role> | undefined;
  private looked = 0;

  /** @param owner and @param maintainers of the repository; undefined where a page is about none */
  constructor(
    people: Pick<People, 'profile'>,
    reader: Authenticated,
    owner?: string,
    maintainers: readonly string[] = [],
  ) {
    this.people = people;
    this.reader = reader;
    const roles = new Map<string, Role>(maintainers.map((key) => [key, 'maintainer']));
    if (owner !== undefined) roles.set(owner, 'owner');
    this.roles = roles;
  }

  person(key: string): ShownPerson {
    const known = this.shown.get(key);
    if (known !== undefined) return known;
    const role = this.roles.get(key);
    const name = this.nameOf(key);
    const looksLike = role === undefined && name !== undefined ? this.likeness(name) : undefined;
    const person = {
      key,
      npub: formatNpub(key),
      ...(name === undefined ? {} : { name }),
      ...(role === undefined ? {} : { role }),
      ...(looksLike === undefined ? {} : { looksLike }),
    };
    this.shown.set(key, person);
    return person;
  }

  private nameOf(key: string): string | undefined {
    return this.looked++ < MOST_PROFILES ? this.people.profile(key, this.reader)?.name : undefined;
  }

  /** The rights of the person whose name looks like this one. */
  private likeness(name: string): Role | undefined {
    if (this.names === undefined) {
      const names = new Map<string, Role>();
      for (const [key, role] of this.roles) {
        const known = this.nameOf(key);
        if (known === undefined) continue;
        const form = skeleton(known);
        if (form !== '' && names.get(form) !== 'owner') names.set(form, role);
      }
      this.names = names;
    }
    return this.names.get(skeleton(name));
  }
}
