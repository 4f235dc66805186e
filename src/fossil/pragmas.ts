import { type ArtifactName, parseArtifactName } from './artifact-name.ts';
import { parseCount } from './card-line.ts';
import type { PragmaCard } from './cards.ts';

/** The version of Fossil that Cairn calls itself. From 2.27 on, clients would move their login into a cookie. */
export const FOSSIL_VERSION: FossilVersion = { version: 22_600, date: '20250101', time: '0' };

/** Who somebody is, as in `22100 20230226 192424`. */
export interface FossilVersion {
  /** `10000 * major + 100 * minor`; 0 if it was not a number. */
  readonly version: number;
  readonly date: string;
  readonly time: string;
}

/** The pragmas that Fossil 2.29 knows (`xfer.c`). */
export type Pragma =
  | ({ readonly pragma: 'client-version' | 'server-version' } & FossilVersion)
  /** The client may have private artifacts, and wants those of the server. */
  | { readonly pragma: 'send-private' }
  /** The client wants an igot for everything (`--verily`). */
  | { readonly pragma: 'send-catalog' }
  /** The client has these unversioned files. */
  | { readonly pragma: 'uv-hash'; readonly hash: string }
  | { readonly pragma: 'uv-push-ok' | 'uv-pull-only' }
  /** The client is about to check in on top of `parent`. */
  | { readonly pragma: 'ci-lock'; readonly parent: ArtifactName; readonly client: string }
  /** Somebody else is: `time` is when that was said, in seconds since 1970. */
  | { readonly pragma: 'ci-lock-fail'; readonly login: string; readonly time: number }
  | { readonly pragma: 'ci-unlock'; readonly client: string }
  | { readonly pragma: 'avoid-delta-manifests' }
  /** The client wants igots of clusters. */
  | { readonly pragma: 'req-clusters' }
  /** The URL by which the client reaches the server. */
  | { readonly pragma: 'client-url'; readonly url: string }
  | { readonly pragma: 'req-links' }
  | { readonly pragma: 'link'; readonly url: string; readonly about: string; readonly time: number };

/** What a pragma says. @returns undefined for one that is not known or has other arguments: it is ignored then */
export function parsePragma(card: PragmaCard): Pragma | undefined {
  const [first = '', second = '', third = ''] = card.args;
  switch (card.name) {
    case 'client-version':
    case 'server-version':
      return { pragma: card.name, version: parseCount(first) ?? 0, date: second, time: third };
    case 'send-private':
    case 'send-catalog':
    case 'uv-push-ok':
    case 'uv-pull-only':
    case 'avoid-delta-manifests':
    case 'req-clusters':
    case 'req-links':
      return { pragma: card.name };
    case 'uv-hash':
      return first === '' ? undefined : { pragma: 'uv-hash', hash: first };
    case 'ci-lock': {
      const parent = parseArtifactName(first);
      return parent === undefined || second === ''
        ? undefined
        : { pragma: 'ci-lock', parent, client: second };
    }
    case 'ci-lock-fail':
      return lockFailure(card.args);
    case 'ci-unlock':
      return first === '' ? undefined : { pragma: 'ci-unlock', client: first };
    case 'client-url':
      return first === '' ? undefined : { pragma: 'client-url', url: first };
    case 'link': {
      const time = parseCount(third);
      return time === undefined ? undefined : { pragma: 'link', url: first, about: second, time };
    }
    default:
      return undefined;
  }
}

/** The card of a pragma. */
export function pragmaCard(pragma: Pragma): PragmaCard {
  return { card: 'pragma', name: pragma.pragma, args: argumentsOf(pragma) };
}

/** The login of somebody anonymous is empty, and then the time alone is there. */
function lockFailure(args: readonly string[]): Pragma | undefined {
  const time = parseCount(args.at(-1) ?? '');
  if (time === undefined || args.length > 2) return undefined;
  return { pragma: 'ci-lock-fail', login: args.length === 2 ? (args[0] ?? '') : '', time };
}

function argumentsOf(pragma: Pragma): readonly string[] {
  switch (pragma.pragma) {
    case 'client-version':
    case 'server-version':
      return [String(pragma.version), pragma.date, pragma.time];
    case 'uv-hash':
      return [pragma.hash];
    case 'ci-lock':
      return [pragma.parent, pragma.client];
    case 'ci-lock-fail':
      return pragma.login === '' ? [String(pragma.time)] : [pragma.login, String(pragma.time)];
    case 'ci-unlock':
      return [pragma.client];
    case 'client-url':
      return [pragma.url];
    case 'link':
      return [pragma.url, pragma.about, String(pragma.time)];
    default:
      return [];
  }
}
