import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { HeldArtifacts } from './local-bag.ts';

/** Artifacts that are known and not here: announced by the server, or referred to by something that is here. */
export class Phantoms {
  /** Announced by the server; those that were asked for longest ago come first. */
  private readonly announced = new Set<ArtifactName>();
  /** Referred to from here, as of the last {@link refresh}. */
  private readonly referred = new Set<ArtifactName>();
  /** Asked for in the last round. */
  private readonly asked = new Set<ArtifactName>();
  private readonly limit: number;

  /** @param limit how many are kept of each kind */
  constructor(limit: number) {
    this.limit = limit;
  }

  get count(): number {
    let both = 0;
    for (const name of this.referred) if (this.announced.has(name)) both++;
    return this.announced.size + this.referred.size - both;
  }

  /** The number of artifacts requested in the last round. */
  get askedCount(): number {
    return this.asked.size;
  }

  /** How many of those that the server has announced are not here yet. */
  get announcedCount(): number {
    return this.announced.size;
  }

  /** The server says that it has an artifact. @returns true if it is not here and was not known before */
  announce(name: ArtifactName, held: HeldArtifacts): boolean {
    if (this.announced.has(name) || this.announced.size >= this.limit || isHere(name, held)) return false;
    this.announced.add(name);
    return true;
  }

  /** Removes received artifacts, and adds newly referenced ones. @returns true if there are new ones */
  refresh(held: HeldArtifacts): boolean {
    for (const name of this.announced) if (isHere(name, held)) this.announced.delete(name);
    const wanted = held.wanted(this.limit);
    const isNew = wanted.some((name) => !this.referred.has(name));
    for (const name of [...this.referred]) if (isHere(name, held)) this.referred.delete(name);
    for (const name of wanted) this.referred.add(name);
    return isNew;
  }

  /** The artifacts to request next. Those requested before come last, so that all get their turn. */
  next(limit: number): ReadonlySet<ArtifactName> {
    this.asked.clear();
    for (const name of this.all()) {
      if (this.asked.size >= limit) break;
      this.asked.add(name);
    }
    for (const name of this.asked) {
      for (const names of [this.announced, this.referred]) if (names.delete(name)) names.add(name);
    }
    return this.asked;
  }

  /** All missing artifacts, those announced by the server first. */
  *all(): Generator<ArtifactName> {
    yield* this.announced;
    for (const name of this.referred) if (!this.announced.has(name)) yield name;
  }
}

function isHere(name: ArtifactName, held: HeldArtifacts): boolean {
  return held.find(name) !== undefined || held.isWaiting(name) || held.isShunned(name);
}
