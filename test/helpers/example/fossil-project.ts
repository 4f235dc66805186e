/** A Fossil repository in a store, for the pages of it that a server shows. */
import { writeStructuralArtifact } from '../../../src/fossil/structural-artifact.ts';
import { formatNpub } from '../../../src/nostr/public-key.ts';
import { FOSSIL_WORDS } from '../../../src/web/fossil/fossil-word.ts';
import type { FaultyStore } from '../faulty-store.ts';
import { FOSSIL_ID, FossilRig, whole } from '../fossil-rig.ts';

/** What it is made of. */
export interface FossilTexts {
  readonly comment: string;
  readonly user: string;
  /** By path. */
  readonly files: Readonly<Record<string, string>>;
}

/** Answers that are no pages. */
const DOWNLOADS: ReadonlySet<string> = new Set(['raw', 'attachment']);

/** Makes the repository. @returns the paths of all of its pages, by their word; the empty word is its own page */
export async function fossilProject(
  store: FaultyStore,
  { comment, user, files }: FossilTexts,
): Promise<Record<string, readonly string[]>> {
  const rig = await new FossilRig({ store }).create();
  const contents = Object.entries(files).map(([path, text]) => ({ path, artifact: whole(text) }));
  contents.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const cards = [
    `C ${encode(comment)}`,
    'D 2026-01-01T00:00:00',
    ...contents.map(({ path, artifact }) => `F ${encode(path)} ${artifact.name}`),
    'T *branch * trunk',
    `U ${encode(user)}`,
  ];
  const checkIn = whole(writeStructuralArtifact(`${cards.join('\n')}\n`));
  const name = 'a'.repeat(40);
  const notes = [
    `D 2026-01-02T00:00:00\nL ${encode(comment)}\nN text/x-markdown\nU ${encode(user)}\nW ${Buffer.byteLength(comment)}\n${comment}\n`,
    `D 2026-01-03T00:00:00\nJ status ${encode(comment)}\nJ title ${encode(comment)}\nK ${name}\nU ${encode(user)}\n`,
    `C ${encode(comment)}\nD 2026-01-04T00:00:00\nE 2026-01-04T00:00:00 ${name}\nU ${encode(user)}\nW 1\nx\n`,
    `D 2026-01-05T00:00:00\nJ icomment ${encode(comment)}\nJ mimetype text/x-markdown\nJ severity ${encode(comment)}\nK ${name}\nU ${encode(user)}\n`,
    ...[comment, name].map(
      (target) =>
        `A ${encode(comment)} ${encode(target)} ${contents[0]?.artifact.name}\nD 2026-01-06T00:00:00\nU ${encode(user)}\n`,
    ),
  ].map((lines) => whole(writeStructuralArtifact(lines)));
  const post = (names: string, text: string) =>
    whole(
      writeStructuralArtifact(
        `D 2026-01-07T00:00:00\n${names}N text/x-markdown\nU ${encode(user)}\nW ${Buffer.byteLength(text)}\n${text}\n`,
      ),
    );
  const thread = post(`H ${encode(comment)}\n`, comment);
  const answer = post(`G ${thread.name}\nI ${thread.name}\n`, comment);
  const again = post(`G ${thread.name}\nI ${answer.name}\n`, `Again: ${comment}`);
  await rig.push([...contents.map(({ artifact }) => artifact), checkIn, ...notes, thread, answer, again]);
  const root = `/fossil/${formatNpub(FOSSIL_ID.owner)}/${FOSSIL_ID.identifier}`;
  const encoded = contents.map(({ path }) => path.split('/').map(encodeURIComponent).join('/'));
  return {
    '': [root],
    artifact: [`${root}/artifact/${checkIn.name}`],
    checkin: [`${root}/checkin/${checkIn.name}`],
    file: encoded.map((path) => `${root}/file/${checkIn.name}/${path}`),
    forum: [`${root}/forum`, `${root}/forum/${thread.name}`],
    technotes: [`${root}/technotes`, `${root}/technotes/${name}`],
    tickets: [`${root}/tickets`, `${root}/tickets/${name}`],
    timeline: [`${root}/timeline`],
    tree: [`${root}/tree/${checkIn.name}`],
    wiki: [`${root}/wiki`, `${root}/wiki/${comment.split('/').map(encodeURIComponent).join('/')}`],
  };
}

/** Words of Fossil's pages that {@link fossilProject} has no entry for. */
export function forgottenFossilWords(pages: Readonly<Record<string, readonly string[]>>): string[] {
  return FOSSIL_WORDS.filter((word) => !(word in pages) && !DOWNLOADS.has(word));
}

/** A text as it stands in a card. */
function encode(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll(' ', '\\s').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}
