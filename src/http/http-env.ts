/** What hono hands to middleware and handlers besides its own request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { UrlSpace } from '../policy/push-entry.ts';
import type { GitRepository } from '../repository/git/git-repository.ts';
import type { Client } from './clients/client.ts';
import type { GitTarget } from './git/git-path.ts';

/** The initial state of a request. */
export interface RequestBindings {
  /** Node's request. Git bodies are read from it directly. */
  readonly incoming: IncomingMessage;
  /** Node's response. Git answers and their exact headers are written to it directly. */
  readonly outgoing: ServerResponse;
  /** The raw path, without the query. Names in it are decoded once, where they are read. */
  readonly path: string;
  /** Set for a path behind the URL of a repository. Every other path belongs to pages and health. */
  readonly git: GitTarget | undefined;
  /** True when hono's URL is made up, because `Host` and the target of the request make none. */
  readonly urlIsMadeUp?: boolean;
  /** Called in order when the answer has been written, or given up. */
  readonly afterAnswer: (() => void)[];
}

/** The environment of every route. */
export interface HttpEnv {
  Bindings: RequestBindings;
  Variables: {
    requestId: string;
    /** When the request came: monotonic milliseconds. */
    began: number;
    client: Client;
    /** Reads the whole body of a request that is a small one. @throws CairnError `too-large` */
    smallBody?: () => Promise<Buffer>;
    /** Ends the response in the middle, and logs why. */
    breakOff?: (error: unknown) => void;
    /** Aborted when the client has gone; absent if no handler asked for it. */
    signal?: AbortSignal;
    /** What went wrong in the middle of an answer. */
    trouble?: unknown;
  };
}

/** The environment of routes behind the URL of a repository. */
export interface GitEnv {
  Bindings: RequestBindings & { readonly git: GitTarget };
  Variables: HttpEnv['Variables'] & {
    signal: AbortSignal;
    repository: GitRepository;
    /** By which of its URLs the repository is asked for. */
    space: UrlSpace;
  };
}
