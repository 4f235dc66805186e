import type { Service } from '../../git/index.ts';

/** The URL of a repository without user name, password, and slashes at the end. */
export function repositoryUrl(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  plain.hash = '';
  plain.pathname = plain.pathname.replace(/\/+$/, '');
  return plain;
}

/** Where the advertisement of a service is. */
export function advertisementUrl(repository: URL, service: Service): URL {
  const url = below(repository, '/info/refs');
  url.searchParams.set('service', service);
  return url;
}

/** Where requests to a service go. */
export function requestUrl(repository: URL, service: Service): URL {
  return below(repository, `/${service}`);
}

function below(repository: URL, path: string): URL {
  const url = new URL(repository);
  url.pathname = `${repository.pathname.replace(/\/+$/, '')}${path}`;
  return url;
}
