import type { Announcement } from './announcement.ts';
import {
  canonicalRelayUrl,
  canonicalRepositoryUrl,
  graspUrl,
  relayUrl,
  repositoryUrls,
} from './repository-url.ts';

/** How an announcement names a service. */
export interface NamedService {
  /**
   * How its `clone` tag names the repository here: by the GRASP URL `http(s)://<base>/<npub>/<identifier>.git`, by another
   * URL that it has here, or not at all.
   */
  readonly clone: 'grasp' | 'git' | 'none';
  /** True when its `relays` tag names the relay here. */
  readonly relays: boolean;
}

/**
 * How an announcement names this service. Ignores whether a URL has http or https (ws or wss): a service behind a proxy is
 * announced with either.
 * @param base the public base URL of the service
 */
export function namesThisService(announcement: Announcement, base: string): NamedService {
  const { owner, identifier } = announcement;
  const grasp = withoutScheme(canonicalRepositoryUrl(graspUrl(base, owner, identifier)));
  const own = repositoryUrls(base, owner, identifier).map((url) =>
    withoutScheme(canonicalRepositoryUrl(url)),
  );
  const relay = withoutScheme(canonicalRelayUrl(relayUrl(base)));
  let clone: NamedService['clone'] = 'none';
  for (const url of announcement.clone) {
    const named = withoutScheme(canonicalRepositoryUrl(url));
    if (named === undefined) continue;
    if (named === grasp && /\.git\/?$/.test(url)) clone = 'grasp';
    else if (clone === 'none' && named !== grasp && own.includes(named)) clone = 'git';
  }
  const relays = announcement.relays.some((url) => withoutScheme(canonicalRelayUrl(url)) === relay);
  return { clone, relays: relays && relay !== undefined };
}

function withoutScheme(url: string | undefined): string | undefined {
  return url?.replace(/^[a-z]+:/, '');
}
