import type { Announcement } from './announcement.ts';
import {
  canonicalRelayUrl,
  canonicalRepositoryUrl,
  fossilUrl,
  graspUrl,
  relayUrl,
  repositoryUrls,
} from './repository-url.ts';

/** How an announcement names a service. */
export interface NamedService {
  /**
   * How its `clone` tag names the repository here: by the GRASP URL `http(s)://<base>/<npub>/<identifier>.git`, by another
   * URL that it has here, or not at all. A Fossil repository has one URL.
   */
  readonly clone: 'grasp' | 'git' | 'fossil' | 'none';
  /** True when its `relays` tag names the relay here. */
  readonly relays: boolean;
}

/**
 * How an announcement names this service. Ignores whether a URL has http or https (ws or wss): a service behind a proxy is
 * announced with either.
 * @param base the public base URL of the service
 */
export function namesThisService(announcement: Announcement, base: string): NamedService {
  const { owner, identifier, vcs } = announcement;
  const relay = withoutScheme(canonicalRelayUrl(relayUrl(base)));
  const relays = announcement.relays.some((url) => withoutScheme(canonicalRelayUrl(url)) === relay);
  const named = { relays: relays && relay !== undefined };
  if (vcs === 'fossil') {
    const here = [
      fossilUrl(base, owner, identifier),
      `${base}/fossil/${owner}/${encodeURIComponent(identifier)}`,
    ];
    return { clone: namesOne(announcement.clone, here) ? 'fossil' : 'none', ...named };
  }
  const grasp = withoutScheme(canonicalRepositoryUrl(graspUrl(base, owner, identifier)));
  const own = repositoryUrls(base, owner, identifier).map((url) =>
    withoutScheme(canonicalRepositoryUrl(url)),
  );
  let clone: NamedService['clone'] = 'none';
  for (const url of announcement.clone) {
    const written = withoutScheme(canonicalRepositoryUrl(url));
    if (written === undefined) continue;
    if (written === grasp && /\.git\/?$/.test(url)) clone = 'grasp';
    else if (clone === 'none' && written !== grasp && own.includes(written)) clone = 'git';
  }
  return { clone, ...named };
}

function namesOne(urls: readonly string[], here: readonly string[]): boolean {
  const own = here.map((url) => withoutScheme(canonicalRepositoryUrl(url)));
  return urls.some((url) => {
    const named = withoutScheme(canonicalRepositoryUrl(url));
    return named !== undefined && own.includes(named);
  });
}

function withoutScheme(url: string | undefined): string | undefined {
  return url?.replace(/^[a-z]+:/, '');
}
