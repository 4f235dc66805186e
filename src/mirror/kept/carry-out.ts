/** The runs of kept mirrors, over the network: pulls are imports, pushes are relayed from a repository of this server. */
import { branchesAndTags } from '../../git/index.ts';
import type { Git } from '../../git-process/git.ts';
import { type ErrorKind, publicError } from '../../lib/errors.ts';
import { createSigner } from '../../nostr/sign.ts';
import type { Credentials } from '../../outbound/credentials.ts';
import { mirrorNamespace } from '../../policy/mirrored-refs.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import { importInto } from '../import/import-into.ts';
import type { ImportContext } from '../import/import-request.ts';
import { silent } from '../observer.ts';
import { type RefScope, refPrefixes, wholeScope } from '../plan/ref-scope.ts';
import type { Connection } from '../remote/connection.ts';
import { openGitSource } from '../remote/git-source.ts';
import { type ConnectionOptions, openConnection } from '../remote/open-connection.ts';
import { RemoteMessages } from '../remote/remote-messages.ts';
import type { Source } from '../remote/source.ts';
import { Target } from '../remote/target.ts';
import { countsOf, type MirrorResult, type Outcome } from '../run/mirror-result.ts';
import { usualLimits } from '../run/mirror-run.ts';
import { runMirror } from '../run/run-mirror.ts';
import type { MirrorRemote, MirrorRunResult, PullRun, PushRun } from './mirror-runs.ts';
import { otherReasons } from './other-reasons.ts';
import { OwnSource } from './own-source.ts';
import type { MirrorCredential } from './sealed-credentials.ts';
import { refuseLosses } from './target-losses.ts';

export interface CarryOutContext {
  readonly imports: ImportContext;
  readonly git: Git;
  /** Folder for scratch repositories. */
  readonly scratch: string;
  /** How every remote is reached: with what guard, under what name. */
  readonly connection: Omit<ConnectionOptions, 'credentials' | 'helper'>;
  /** What to call ourselves: `agent=…`. */
  readonly agent: string;
  /** Longest pack that is taken from a source, in bytes; 0 for any. */
  readonly maxPackBytes: number;
}

/** Why a pull leaves a ref alone that has changed since its source was listed. */
const OVERTAKEN = 'another run has changed it since the source was listed';

/** Mirrors bring and send branches and tags. Other refs are names that hosts use for themselves. */
const SCOPE: RefScope = { ...wholeScope, tags: true };

/** Pulls that import what their source has. */
export function pullRun(context: CarryOutContext): PullRun {
  const { imports, agent, maxPackBytes } = context;
  return {
    run: async (repository, remote, { id, refs, name, actor, forbids }, signal) => {
      const connection = connect(context, remote);
      // Read before the source is listed: what others bring after that is newer, and stays.
      let before = (await repository.resolve())?.manifest.refs;
      let isOvertaken = false;
      const options = { protocol: 'auto', agent, prefixes: refPrefixes(SCOPE), signal } as const;
      await using opened = await openGitSource(connection, options);
      const source: Source = {
        get listing() {
          // A kept mirror has nobody who could exclude a ref whose name cannot be used here: the others are not held up by it.
          return { ...opened.listing, unusable: [] };
        },
        relist: async (again) => {
          before = (await repository.resolve())?.manifest.refs;
          return opened.relist(again);
        },
        fetch: (request, how) => opened.fetch(request, how),
        [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
      };
      const into = refs === 'namespace' ? mirrorNamespace(name) : undefined;
      if (source.listing.refs.size === 0 && (await isWithoutRefs(repository, into))) {
        return { changed: 0, state: await stateOf(repository) };
      }
      const result = await importInto(imports, {
        repository,
        source,
        scope: SCOPE,
        policy: { mode: 'replicate', force: false, prune: true },
        ...(into === undefined ? {} : { into }),
        create: false,
        dryRun: false,
        bestEffort: false,
        forbids: (state, ref) => {
          if (state.refs.get(ref) === before?.get(ref)) return forbids(state, ref);
          isOvertaken = true;
          return OVERTAKEN;
        },
        keeper: { id, problem: (state) => forbids(state, 'HEAD') },
        cause: { actor, evidence: null },
        limits: { maxPackBytes: maxPackBytes === 0 ? undefined : maxPackBytes },
        observer: silent,
        signal,
      });
      if (isOvertaken && result.outcome !== 'ok') throw publicError('conflict', OVERTAKEN);
      return { changed: changedIn(result, signal), state: await stateOf(repository) };
    },
  };
}

/** Pushes that make their target what is published here. */
export function pushRun(context: CarryOutContext): PushRun {
  const { imports, git, scratch, agent } = context;
  return {
    run: async (repository, remote, { prune, overwrite }, signal) => {
      // An empty repository deletes nothing: it may only just have been made.
      const published = await repository.resolve();
      if (published === undefined || branchesAndTags(published.manifest.refs).size === 0) {
        return { changed: 0, state: await stateOf(repository) };
      }
      const opening = Target.open(connect(context, remote), { agent, signal });
      let source: OwnSource | undefined;
      const openSource = async () => {
        // The state is read after the target was listed: see `PushRun`.
        const { listing } = await opening;
        source = await OwnSource.open(git, repository);
        if (!overwrite) await refuseLosses({ git, repository, signal }, source.state, listing.refs, prune);
        return source;
      };
      const messages = new RemoteMessages();
      const result = await runMirror({
        remotes: { source: openSource, target: () => opening },
        scope: SCOPE,
        policy: { mode: 'replicate', force: false, prune },
        limits: usualLimits,
        dryRun: false,
        bestEffort: false,
        scratch: { git, folder: scratch },
        clock: imports.clock,
        random: imports.random,
        observer: { ...silent, message: (side, text) => side === 'target' && messages.add(text) },
        signal,
      });
      const changed = changedIn(result, signal, messages);
      if (source === undefined) throw new Error('a run that succeeded has opened its source');
      const { digest, manifest } = source.state;
      return { changed, state: { digest, depth: manifest.depth } };
    },
  };
}

function connect(
  { connection }: CarryOutContext,
  { address, credential, traffic }: MirrorRemote,
): Connection {
  return openConnection(address, {
    ...connection,
    ...(credential === undefined ? {} : { credentials: credentialsOf(credential) }),
    ...(traffic === undefined ? {} : { traffic }),
  });
}

function credentialsOf(credential: MirrorCredential): Credentials {
  switch (credential.kind) {
    case 'basic':
      return { kind: 'basic', userName: credential.username, password: credential.password };
    case 'bearer':
      return credential;
    case 'nostr':
      return { kind: 'nostr', signer: createSigner(credential.secretKey) };
  }
}

async function isWithoutRefs(repository: GitRepository, into: string | undefined): Promise<boolean> {
  const refs = (await repository.resolve())?.manifest.refs ?? new Map<string, string>();
  if (into === undefined) return branchesAndTags(refs).size === 0;
  for (const name of refs.keys()) if (name.startsWith(into)) return false;
  return true;
}

async function stateOf(repository: GitRepository): Promise<MirrorRunResult['state']> {
  const state = await repository.known();
  return state === undefined ? undefined : { digest: state.digest, depth: state.manifest.depth };
}

/** The kind of error that each outcome is, where none was thrown. */
const KIND_OF: Readonly<Record<Exclude<Outcome, 'ok'>, ErrorKind>> = {
  blocked: 'forbidden',
  partial: 'conflict',
  moved: 'conflict',
  configuration: 'invalid',
  transport: 'unavailable',
  interrupted: 'unavailable',
};
/** How many refs an error tells the reason of, and how many lines it quotes of what the target said. */
const MOST_TOLD = 3;

/**
 * @returns how many refs a run has changed
 * @param messages of the target
 * @throws what ended it, if it did not succeed: the signal's reason, the error itself, or one that says which refs were not changed
 */
function changedIn(
  result: Pick<MirrorResult, 'outcome' | 'problem' | 'error' | 'refs'>,
  signal: AbortSignal,
  messages?: RemoteMessages,
): number {
  const { outcome, problem, error, refs } = result;
  const { applied, deleted } = countsOf(refs);
  if (outcome === 'ok') return applied + deleted;
  signal.throwIfAborted();
  if (error !== undefined) throw error;
  const isRefused = refs.some((ref) => ref.result?.outcome === 'refused');
  const said = isRefused ? (messages?.lines ?? []).slice(-MOST_TOLD) : [];
  const told = [...otherReasons(refs, problem, MOST_TOLD), ...said].join('; ');
  throw publicError(KIND_OF[outcome], told === '' ? (problem ?? 'the run failed') : `${problem} (${told})`);
}
