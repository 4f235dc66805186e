import { join } from 'node:path';
import { type ObjectFormat, PacketReader, textOf } from '../../git/index.ts';
import {
  advertiseUploadPack,
  commitEmptyTree,
  initRepository,
  updateRef,
} from '../../git-process/commands.ts';
import type { Git } from '../../git-process/git.ts';
import { failureReason } from '../../git-process/result.ts';
import { CairnError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/make-folder.ts';

/** The capabilities of the installed `git upload-pack`, without those that differ between responses. */
export interface UploadCapabilities {
  /** Capabilities of protocol v0 and v1, space separated. */
  readonly v0: string;
  /** Lines of the v2 capability advertisement. */
  readonly v2: readonly string[];
}

/** Capabilities set for each response: they depend on the repository, or name Cairn. */
const SET_PER_RESPONSE = /^(symref|object-format|agent|session-id)(=|$)/;

/**
 * The part of protocol v2 that Cairn parses itself: commands, options, and features of `fetch`. Only these are advertised,
 * because Cairn would not understand requests that use features of a newer git.
 */
const UNDERSTOOD = /^(ls-refs|fetch|server-option)(=|$)/;
const FETCH_FEATURES = new Set(['shallow', 'wait-for-done', 'filter', 'sideband-all']);

/**
 * Asks git once at start for its capabilities in each object format, so that Cairn never advertises what this git refuses.
 * The test repositories have one commit each, because an empty one shows no capabilities in protocol v0.
 *
 * @param scratch a folder to work in
 * @throws CairnError `unavailable` if git fails
 */
export async function learnUploadCapabilities(
  git: Git,
  scratch: string,
): Promise<Record<ObjectFormat, UploadCapabilities>> {
  const [sha1, sha256] = await Promise.all([learn(git, scratch, 'sha1'), learn(git, scratch, 'sha256')]);
  return { sha1, sha256 };
}

async function learn(git: Git, scratch: string, format: ObjectFormat): Promise<UploadCapabilities> {
  const gitDir = join(scratch, `capabilities-${format}`);
  await makeFolder(gitDir);
  const must = async (command: Parameters<Git['brief']>[0], input = ''): Promise<Buffer> => {
    const result = await git.brief(command, { input });
    if (result.exitCode !== 0)
      throw new CairnError('unavailable', `git: ${failureReason(command.name, result)}`);
    return result.stdout;
  };
  await must(initRepository(gitDir, format));
  const commit = (await must(commitEmptyTree(gitDir, format))).toString('latin1').trim();
  await must(updateRef(gitDir), `create refs/heads/main ${commit}\n`);
  const [v0, v2] = await Promise.all([
    must(advertiseUploadPack(gitDir)),
    must(advertiseUploadPack(gitDir, 'version=2')),
  ]);
  return {
    v0: capabilitiesOfV0(v0),
    v2: packetLines(v2)
      .filter((line) => UNDERSTOOD.test(line))
      .map(understood),
  };
}

function understood(line: string): string {
  if (!line.startsWith('fetch=')) return line;
  const features = line.slice('fetch='.length).split(' ');
  return `fetch=${features.filter((feature) => FETCH_FEATURES.has(feature)).join(' ')}`;
}

function capabilitiesOfV0(advertisement: Buffer): string {
  const first = packetLines(advertisement)[0] ?? '';
  const words = first.slice(first.indexOf('\0') + 1).split(' ');
  return words.filter((word) => word !== '' && !SET_PER_RESPONSE.test(word)).join(' ');
}

function packetLines(bytes: Buffer): string[] {
  const packets = new PacketReader();
  packets.push(bytes);
  const lines: string[] = [];
  for (let packet = packets.next(); packet !== undefined; packet = packets.next()) {
    if (packet.kind === 'data') lines.push(textOf(packet.payload));
  }
  return lines;
}
