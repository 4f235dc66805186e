import { spawn } from 'node:child_process';
import { readClientSettings } from '../config/client-settings.ts';
import type { GivenFlags } from '../config/given-flags.ts';
import { CairnError } from '../lib/errors.ts';
import { systemRandom } from '../lib/random.ts';
import { formatNpub } from '../nostr/public-key.ts';
import type { CommandContext } from './command-context.ts';
import { readSigner } from './credential/key.ts';
import { repositoryArgument } from './repository-argument.ts';
import { serverOf } from './server-connection.ts';
import { SignedRequests } from './signed-requests.ts';

/** What a server answers. */
interface Answer {
  readonly url: string;
  /** Seconds since 1970. */
  readonly expires: number;
}

/** A page of a server. */
export interface PageAddress {
  /** Its public URL, without a slash at its end. */
  readonly server: string;
  /** Below that URL. */
  readonly path: string;
}

/**
 * `cairn open <repository>`: proves the user's key to the server, and prints a link with which a browser is signed in, once.
 * @param repository URL of a repository or of one of its pages, or `<owner>/<identifier>` on the server that the settings name
 */
export async function open(
  repository: string,
  options: { readonly browser?: boolean; readonly json?: boolean },
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  const settings = readClientSettings(flags, context.environment);
  const signer = await readSigner(settings);
  const { server, path } = pageOf(repository, settings.server) ?? {
    server: serverOf(settings),
    path: pathOf(repository),
  };
  const requests = new SignedRequests(server, signer, context.signal);
  const answer = await requests.send('POST', '/api/v1/sign-in-links', {
    next: path,
    nonce: systemRandom.hex(16),
  });
  // A server must not make this program open anything else.
  if (!isAnswer(answer) || !answer.url.startsWith(`${server}/sign-in?link=`)) {
    throw new CairnError(
      'unavailable',
      `${server} sent no link: it is not a Cairn server, or it has another version`,
    );
  }
  if (options.json === true) {
    context.print(JSON.stringify({ url: answer.url, expires: answer.expires }));
  } else {
    context.print(answer.url);
    context.warn('this link signs in as you: it works once, in the next minutes');
  }
  if (options.browser === true) await openBrowser(answer.url);
}

/**
 * The page of a URL: the repository itself for the URLs that git and Fossil use, otherwise the page that is named.
 * @param known public URL of the server, where it is set
 * @returns undefined for what is no URL
 * @throws CairnError `invalid` for the URL of something else
 */
export function pageOf(text: string, known?: string): PageAddress | undefined {
  if (!/^https?:\/\//i.test(text)) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // What the URL has of a user and a fragment is not for this request.
  const whole = url === undefined ? '' : `${url.protocol}//${url.host}${url.pathname}${url.search}`;
  const end = known !== undefined && whole.startsWith(`${known}/`) ? known.length : whole.search(BEGINS_PAGE);
  if (end < 1) {
    throw new CairnError('invalid', `${text} is not the URL of a repository: <server>/<npub>/<name>`);
  }
  const path = whole.slice(end).replace(/^\/git\/(?=npub1)/, '/');
  return {
    server: whole.slice(0, end),
    path: /^\/npub1[^/]+\/[^/?]+$/.test(path) ? path.replace(/\.git$/, '') : path,
  };
}

/** Where the path of a repository begins in a URL. */
const BEGINS_PAGE = /\/(?:(?:git|fossil)\/(?:npub1[0-9a-z]{58}|[0-9a-f]{64})|npub1[0-9a-z]{58})(?:\/|$)/;

function pathOf(repository: string): string {
  const { owner, identifier } = repositoryArgument(repository);
  return `/${formatNpub(owner)}/${encodeURIComponent(identifier)}`;
}

/** Hands a link to the browser of the desktop. Programs of other users may see it there, until it has been used. */
function openBrowser(url: string): Promise<void> {
  const [program, ...args] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler']
        : ['xdg-open'];
  return new Promise((resolve, reject) => {
    const child = spawn(program ?? '', [...args, url], { stdio: 'ignore', detached: true });
    child.once('error', (cause) => {
      reject(new CairnError('unavailable', `no browser can be opened: ${program} does not start`, { cause }));
    });
    child.once('spawn', () => {
      child.unref();
      resolve();
    });
  });
}

function isAnswer(answer: unknown): answer is Answer {
  if (typeof answer !== 'object' || answer === null) return false;
  const { url, expires } = answer as Partial<Record<keyof Answer, unknown>>;
  return typeof url === 'string' && typeof expires === 'number';
}
