/**
 * Places where a test makes a message go wrong. In production there is no checker, and no fault ever fires. Each site says
 * by what the other side recovers.
 */

export interface FaultSiteDescription {
  /** How often it fires if a test does not say otherwise. */
  readonly probability: number;
  readonly recovery: string;
}

export const FAULT_SITES = {
  'server.ignore-gimme': {
    probability: 0.05,
    recovery: 'the artifact stays a phantom of the client, which asks again in its next round',
  },
  'server.halve-igots': {
    probability: 0.1,
    recovery: 'the artifacts stay unclustered, so the next pull announces them again',
  },
  'server.small-clone-page': {
    probability: 0.1,
    recovery: 'the next page begins behind the only artifact of this one',
  },
  'server.ignore-unversioned-gimme': {
    probability: 0.05,
    recovery: 'the catalogues still differ, so the next session asks again',
  },
  'server.drop-unversioned-file': {
    probability: 0.03,
    recovery: 'the catalogues still differ, so the next session sends the file again',
  },
  'server.fail-before-publish': {
    probability: 0.03,
    recovery: 'nothing was stored; the client sends the artifacts again',
  },
  'server.fail-after-publish': {
    probability: 0.03,
    recovery: 'the artifacts are stored; when they are sent again, nothing changes',
  },
  'server.skip-clusters': {
    probability: 0.1,
    recovery: 'all unclustered artifacts are announced one by one, and the next pull makes the clusters',
  },
  'client.small-budget': {
    probability: 0.1,
    recovery: 'one artifact is sent, and the others in later rounds',
  },
  'client.drop-file': {
    probability: 0.05,
    recovery: 'the server asks again for what was announced and did not come',
  },
  'client.skip-private-igot': {
    probability: 0.1,
    recovery: 'the next round or session announces the private artifact',
  },
  'client.skip-unversioned': {
    probability: 0.1,
    recovery: 'the files are sent in the next round',
  },
  'client.corrupt-login': {
    probability: 0.02,
    recovery: 'the server refuses the request and stores nothing; the next session logs in again',
  },
  'client.drop-received-file': {
    probability: 0.05,
    recovery: 'the artifact stays a phantom and is asked for again',
  },
  'client.fail-after-store': {
    probability: 0.03,
    recovery: 'what was stored stays; the next session goes on from there',
  },
  'clone.drop-received-file': {
    probability: 0.05,
    recovery:
      'deltas of the artifact, clusters and igots name it, so it is asked for when all pages are there',
  },
  'clone.ignore-completion': {
    probability: 0.05,
    recovery: 'the last page is asked for again',
  },
} as const satisfies Readonly<Record<string, FaultSiteDescription>>;

export type FaultSite = keyof typeof FAULT_SITES;

/** Decides which faults fire. */
export interface FaultSites {
  fires(site: FaultSite, probability: number): boolean;
}

/** Whether a fault fires here. Never without a checker. */
export function faultFires(faults: FaultSites | undefined, site: FaultSite): boolean {
  return faults?.fires(site, FAULT_SITES[site].probability) ?? false;
}
