import { describe, expect, it } from 'vitest';
import { type ArtifactName, nameOf } from '../../../../src/fossil/artifact-name.ts';
import type { Card } from '../../../../src/fossil/cards.ts';
import { parseCluster } from '../../../../src/fossil/cluster.ts';
import { applyDelta } from '../../../../src/fossil/delta.ts';
import { writeStructuralArtifact } from '../../../../src/fossil/structural-artifact.ts';
import { ROUND_LIMITS } from '../../../../src/fossil-sync/server/round-limits.ts';
import { INTAKE_LIMITS } from '../../../../src/repository/fossil/intake-limits.ts';
import { READER } from '../../../helpers/fossil-host.ts';
import { announcedNames, cardsOf, errorOf, sentNames } from '../../../helpers/fossil-requests.ts';
import { delta, lines, namesOf, whole } from '../../../helpers/fossil-rig.ts';
import { startRounds } from '../../../helpers/fossil-rounds.ts';

const texts = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => whole(`text ${from + at}\n`));

const gimme = (name: ArtifactName): Card => ({ card: 'gimme', name });
const igot = (name: ArtifactName, isPrivate = false): Card => ({ card: 'igot', name, isPrivate });
const pragma = (name: string, ...args: string[]): Card => ({ card: 'pragma', name, args });

describe('a pull (issue 14, deliverable 3)', () => {
  it('announces artifacts that the client did not announce, and sends what the client asks for', async () => {
    const [one = whole(''), two = whole(''), three = whole('')] = texts(3);
    const { requests } = await startRounds([one, two, three]);
    const first = await requests.send([requests.pull, igot(two.name)]);
    expect(announcedNames(first).sort()).toEqual([one.name, three.name].sort());
    const second = await requests.send([requests.pull, gimme(one.name), gimme(three.name), gimme(one.name)]);
    expect(sentNames(second).sort()).toEqual([one.name, three.name].sort());
    expect(cardsOf(second, 'gimme')).toEqual([]);
  });

  it('changes nothing in a repository that is up to date, however often it is repeated', async () => {
    const { rig, requests } = await startRounds(texts(150));
    await requests.send([requests.pull]);
    const { digest } = await rig.bag();
    await requests.send([requests.pull]);
    expect((await rig.bag()).digest).toBe(digest);
  });

  it('puts unclustered artifacts into clusters first if they are a hundred or more', async () => {
    const { rig, requests } = await startRounds(texts(99));
    expect(announcedNames(await requests.send([requests.pull])).length).toBe(99);
    await rig.push(texts(1_801, 99));
    const before = new Set<string>(namesOf(await rig.bag()));
    const announced = announcedNames(await requests.send([requests.pull]));
    expect(announced.length).toBe(3);
    const clusters = await requests.send([requests.pull, ...announced.map(gimme)]);
    const members = cardsOf(clusters, 'file').flatMap(({ payload }) => parseCluster(payload) ?? []);
    expect(new Set<string>(members)).toEqual(before);
  });

  it('puts more artifacts into clusters than one publish takes', async () => {
    const { rig, requests } = await startRounds(texts(1_000), {
      intake: { members: 300 },
      limits: { clustered: 300 },
    });
    const announced = announcedNames(await requests.send([requests.pull]));
    expect(announced.length).toBeLessThan(100);
    const bag = await rig.another().bag();
    expect([bag.unclusteredCount, bag.wanted(1)]).toEqual([announced.length, []]);
    // By default one publish takes them.
    expect(ROUND_LIMITS.clustered).toBeLessThanOrEqual(INTAKE_LIMITS.members);
  });

  it('announces clusters that are in clusters if the client asks for them', async () => {
    const { requests, rig } = await startRounds(texts(120));
    const [first = nameOf(Buffer.of(), 'sha1')] = announcedNames(await requests.send([requests.pull]));
    await rig.push(texts(120, 500));
    const plain = announcedNames(await requests.send([requests.pull]));
    expect(plain).not.toContain(first);
    const all = announcedNames(await requests.send([pragma('req-clusters'), requests.pull]));
    expect(all).toContain(first);
  });

  it('announces everything for --verily', async () => {
    const { rig, requests } = await startRounds(texts(120));
    await requests.send([requests.pull]);
    const [known = nameOf(Buffer.of(), 'sha1'), ...others] = namesOf(await rig.bag());
    const reply = await requests.send([pragma('send-catalog'), requests.pull, igot(known)]);
    expect(announcedNames(reply).sort()).toEqual(others);
  });

  it('announces again what does not fit into a reply', async () => {
    const big = [0, 1, 2, 3].map((at) => whole(lines(1_000 * at, 100)));
    const { requests } = await startRounds(big, { limits: { replyBytes: 5_000 } });
    const asked = big.map(({ name }) => gimme(name));
    const reply = await requests.send([requests.pull, ...asked]);
    const sent = sentNames(reply);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.length).toBeLessThan(4);
    const rest = big.map(({ name }) => name).filter((name) => !sent.includes(name));
    expect(announcedNames(reply)).toEqual(expect.arrayContaining(rest));
  });

  it('sends at least one artifact, however little time or room there is', async () => {
    const { requests } = await startRounds(texts(3), { limits: { replyBytes: 1, replyMilliseconds: 0 } });
    const names = texts(3).map(({ name }) => gimme(name));
    expect(sentNames(await requests.send([requests.pull, ...names])).length).toBe(1);
  });

  it('sends check-ins and changed files as deltas of the client’s earlier versions', async () => {
    const files = [whole(lines(0, 300)), whole(`${lines(0, 300)}more\n`)] as const;
    const first = checkInOf([['a.txt', files[0].name]]);
    const second = checkInOf([['a.txt', files[1].name]], first.name);
    const { requests } = await startRounds([files[0], first]);
    const { rig } = await startRounds();
    await rig.push([...files, first, second]);
    const over = await startRounds([...files, first, second]);
    const reply = await over.requests.send([over.requests.pull, gimme(second.name), gimme(files[1].name)]);
    const sources = new Map(cardsOf(reply, 'file').map(({ name, source }) => [name, source]));
    expect(sources.get(second.name)).toBe(first.name);
    expect(sources.get(files[1].name)).toBe(files[0].name);
    for (const { name, payload } of cardsOf(reply, 'file')) {
      const source = name === second.name ? first.payload : files[0].payload;
      expect(nameOf(applyDelta(source, payload, 1e6), 'sha3-256')).toBe(name);
    }
    expect(requests.projectCode).toBe(over.requests.projectCode);
  });

  it('sends a stored delta only to clients that have its source', async () => {
    const [old, young] = [whole(lines(0, 200)), whole(`${lines(0, 200)}more\n`)];
    const { requests } = await startRounds([old, delta(old, young)]);
    const without = await requests.send([requests.pull, gimme(young.name)]);
    expect(cardsOf(without, 'file').map(({ source }) => source)).toEqual([undefined]);
    const having = await requests.send([requests.pull, igot(old.name), gimme(young.name)]);
    expect(cardsOf(having, 'file').map(({ source }) => source)).toEqual([old.name]);
  });

  it('is refused with another project code, or without the right', async () => {
    const { requests, with: another } = await startRounds(texts(1));
    const wrong: Card = { card: 'pull', serverCode: 'x', projectCode: '1'.repeat(40) };
    expect(errorOf(await requests.send([wrong]))).toBe('wrong project');
    const closed = another({ anonymous: { ...READER, read: false } });
    for (const card of [wrong, closed.pull]) {
      expect(errorOf(await closed.send([card]))).toBe('not authorized to read');
    }
  });
});

describe('a pull does not show', () => {
  it('private artifacts: neither igot, file nor error reveals them', async () => {
    const [open, secret] = [whole('open'), whole('secret', { isPrivate: true })];
    const { requests } = await startRounds([open, secret]);
    const absent = nameOf(Buffer.from('not here'), 'sha3-256');
    for (const user of [undefined, 'alice']) {
      const options = user === undefined ? {} : { user };
      const asked = await requests.send([requests.pull, gimme(secret.name), igot(secret.name)], options);
      const unknown = await requests.send([requests.pull, gimme(absent), igot(absent)], options);
      expect(asked.text).toBe(unknown.text);
      const catalog = await requests.send([pragma('send-catalog'), requests.pull], options);
      expect(announcedNames(catalog)).toEqual([open.name]);
    }
    const all = await requests.send([pragma('send-private'), requests.pull, gimme(secret.name)], {
      user: 'alice',
    });
    expect(cardsOf(all, 'igot')).toContainEqual(igot(secret.name, true));
    expect(cardsOf(all, 'file').map(({ name, isPrivate }) => [name, isPrivate])).toEqual([
      [secret.name, true],
    ]);
  });

  it('settings other than the project name and its hash policy', async () => {
    const { requests } = await startRounds(texts(1));
    const groups = [
      '/all',
      '/user',
      '/project',
      '/shun',
      '/subscriber',
      '/config',
      'project-name',
      'last-sync-pw',
    ];
    for (const name of groups) {
      const reply = await requests.send([{ card: 'reqconfig', name }], { user: 'alice' });
      const configs = cardsOf(reply, 'config').map(({ content }) => Buffer.from(content).toString());
      for (const config of configs)
        expect(config, name).toMatch(/^\d+ '(project-name|hash-policy)' value '\w+'$/);
      if (name === '/all') expect(configs.length).toBe(2);
      if (name === '/user' || name === '/shun') expect(configs).toEqual([]);
    }
  });
});

function checkInOf(files: readonly (readonly [string, string])[], parent?: string) {
  const fileLines = files.map(([name, hash]) => `F ${name} ${hash}\n`).join('');
  const padding = Array.from(
    { length: 20 },
    (_, at) => `F file-${at}.txt ${'0'.repeat(62)}${10 + at}\n`,
  ).join('');
  const parentLine = parent === undefined ? '' : `P ${parent}\n`;
  const text = `C change\nD 2026-01-01T00:00:00\n${fileLines}${padding}${parentLine}U someone\n`;
  return whole(writeStructuralArtifact(text));
}
