import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../../src/lib/digest.ts';
import type { GitManifest } from '../../../../src/repository/git/git-manifest.ts';
import { decodeManifest, encodeManifest } from '../../../../src/repository/git/git-manifest-codec.ts';
import { MAX_MANIFEST_BYTES } from '../../../../src/repository/manifest-codec.ts';
import { childOf, manifestOf, oid, packOf } from '../../../helpers/repository-rig.ts';

const ref = (name: string, n?: number) => ({
  digest: sha256(name),
  size: 7,
  ...(n === undefined ? {} : { n }),
});
const key = '7'.repeat(64);

/** Everything a manifest can say. */
const full: GitManifest = childOf(
  { version: 'v', digest: sha256('parent'), manifest: manifestOf() },
  {
    identifier: 'Zürich "quoted" 漢字',
    objectFormat: 'sha256',
    lifecycle: 'held',
    head: 'refs/heads/ünïcode',
    refs: new Map([
      ['refs/heads/a', 'a'.repeat(64)],
      ['refs/tags/v1', 'b'.repeat(64)],
    ]),
    peeled: new Map([['refs/tags/v1', 'c'.repeat(64)]]),
    packs: [
      packOf('one'),
      packOf('two', {
        kind: 'fold',
        objects: 12,
        pack: ref('p', 3),
        rev: ref('r'),
        bitmap: ref('b', 1),
        tips: sha256('tips'),
        disjoint: true,
        linked: true,
      }),
    ],
    graph: ref('g'),
    policy: {
      announcements: [key],
      writers: [key],
      protection: [{ pattern: 'refs/heads/*', rules: ['no-delete'] }],
      private: true,
      readers: [key],
    },
    appliedState: { id: key, author: key, at: 5, refs: key },
    withdrawal: { id: key, at: 4 },
    mirrors: [{ id: 'a'.repeat(16), name: 'up-stream', refs: 'namespace' }],
    causes: [{ kind: 'order', actor: key, evidence: key, refs: ['refs/heads/a'] }],
    receiptAt: 42,
  },
);

/** The manifest as plain JSON, for breaking it. */
function plain(manifest: GitManifest): Record<string, unknown> {
  return JSON.parse(encodeManifest(manifest).toString()) as Record<string, unknown>;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}

function decodeText(text: string): GitManifest {
  return decodeManifest(Buffer.from(text), 'the-name');
}

describe('a manifest', () => {
  it.each([
    ['with everything', full],
    ['with as little as can be', manifestOf()],
  ])('%s is read back', (_what, manifest) => {
    expect(decodeManifest(encodeManifest(manifest), 'x')).toEqual(manifest);
  });

  it('has the same bytes for any order of its values', () => {
    const { refs, ...rest } = full;
    const shuffled: GitManifest = { ...rest, refs: new Map([...refs].reverse()) };
    expect(encodeManifest(shuffled).equals(encodeManifest(full))).toBe(true);
    expect(encodeManifest(full).toString()).toBe(canonical(plain(full)));
  });

  it('has these bytes in this version of the format', () => {
    const manifest = manifestOf({ refs: new Map([['refs/heads/main', oid('e')]]) });
    expect(encodeManifest(manifest).toString()).toBe(
      [
        '{"causes":[{"actor":null,"evidence":null,"kind":"push","refs":[]}],"depth":0,',
        '"epoch":"11111111111111111111111111111111","head":"refs/heads/main",',
        '"identifier":"rig","incarnation":"11111111111111111111111111111111","objectFormat":"sha1","order":null,',
        '"packs":[],"parent":null,"peeled":{},"policy":{"announcements":[],"private":false,"protection":[],',
        '"readers":[],"writers":[]},"receiptAt":1700000000,',
        `"refs":{"refs/heads/main":"${oid('e')}"},"state":"live","version":1}`,
      ].join(''),
    );
  });

  it('keeps refs in byte order in memory, and in the order of UTF-16 units in JSON', () => {
    const [bmp, astral] = ['refs/heads/\uff5e', 'refs/heads/\u{10000}'];
    const manifest = manifestOf({
      refs: new Map([
        [bmp, oid('1')],
        [astral, oid('2')],
        ['refs/heads/a', oid('3')],
      ]),
    });
    const text = encodeManifest(manifest).toString();
    expect(text.indexOf(astral)).toBeLessThan(text.indexOf(bmp));
    expect([...decodeText(text).refs.keys()]).toEqual(['refs/heads/a', bmp, astral]);
  });

  it('of a repository with too many refs is refused with the reason', () => {
    const refs = new Map<string, string>();
    const long = 'x'.repeat(1000);
    for (let index = 0; refs.size * 1050 < MAX_MANIFEST_BYTES + 100_000; index++) {
      refs.set(`refs/heads/${index}${long.slice(String(index).length)}`, oid('1'));
    }
    expect(() => encodeManifest(manifestOf({ refs }))).toThrow(
      expect.objectContaining({ kind: 'too-large', message: expect.stringContaining('too many refs') }),
    );
  });
});

/** Changes that make a manifest invalid, applied to its JSON. */
const VIOLATIONS: readonly (readonly [what: string, path: string, value: unknown])[] = [
  ['an unknown version', 'version', 2],
  ['no version', 'version', undefined],
  ['a field nobody knows', 'extra', 1],
  ['an unknown object format', 'objectFormat', 'md5'],
  ['an unknown state', 'state', 'gone'],
  ['a short incarnation', 'incarnation', '1'.repeat(31)],
  ['an upper-case incarnation', 'incarnation', 'A'.repeat(32)],
  ['a bad identifier', 'identifier', 'a/b'],
  ['no identifier', 'identifier', undefined],
  ['a HEAD that is not a branch', 'head', 'refs/tags/a'],
  ['a HEAD with a bad name', 'head', 'refs/heads/a..b'],
  ['refs in a list', 'refs', []],
  ['no refs', 'refs', undefined],
  ['a ref with a bad name', 'refs.refs/heads/a b', 'a'.repeat(64)],
  ['a ref that is not below refs/', 'refs.heads/a', 'a'.repeat(64)],
  ['a ref with an id of the other format', 'refs.refs/heads/a', oid('a')],
  ['a ref with a number', 'refs.refs/heads/a', 1],
  ['a ref with an upper-case id', 'refs.refs/heads/a', 'A'.repeat(64)],
  ['peels in a list', 'peeled', []],
  ['a peel of no ref', 'peeled.refs/tags/v2', 'c'.repeat(64)],
  ['a peel with a bad id', 'peeled.refs/tags/v1', 'c'],
  ['a pack of an unknown kind', 'packs.0.kind', 'heap'],
  ['a pack without objects', 'packs.0.objects', 0],
  ['a pack with half an object', 'packs.0.objects', 1.5],
  ['a pack without an idx', 'packs.0.idx', undefined],
  ['a pack with a field nobody knows', 'packs.0.mtimes', {}],
  ['an artifact with a bad digest', 'packs.0.pack.digest', 'abc'],
  ['an artifact of negative size', 'packs.0.pack.size', -1],
  ['an artifact of a size no number holds', 'packs.0.pack.size', 2 ** 53],
  ['a copy number 0', 'packs.0.pack.n', 0],
  ['a list of tips', 'packs.0.tips', []],
  ['a graph without size', 'graph.size', undefined],
  ['a policy without writers', 'policy.writers', undefined],
  ['a writer that is no key', 'policy.writers', ['me']],
  ['a rule that is no text', 'policy.protection.0.rules', [1]],
  ['private by word', 'policy.private', 'yes'],
  ['a signed state without date', 'order.at', undefined],
  ['no order at all', 'order', undefined],
  ['an unknown cause', 'causes.0.kind', 'whim'],
  ['a cause by nobody', 'causes.0.actor', undefined],
  ['a cause with bad evidence', 'causes.0.evidence', 'x'],
  ['a receipt before time began', 'receiptAt', -1],
  ['a parent that is no digest', 'parent', 'x'],
  ['a parent at depth 0', 'depth', 0],
  ['a depth without a parent', 'parent', null],
];

function broken(path: string, value: unknown): string {
  const root = plain(full);
  const steps = path.startsWith('refs.') || path.startsWith('peeled.') ? splitOnce(path) : path.split('.');
  let at = root;
  for (const step of steps.slice(0, -1)) at = at[step] as Record<string, unknown>;
  const last = steps.at(-1) ?? '';
  if (value === undefined) delete at[last];
  else at[last] = value;
  return canonical(root);
}

function splitOnce(path: string): string[] {
  const dot = path.indexOf('.');
  return [path.slice(0, dot), path.slice(dot + 1)];
}

describe('a manifest that breaks a rule', () => {
  it.each(VIOLATIONS)('is refused: %s', (_what, path, value) => {
    expect(() => decodeText(broken(path, value))).toThrow(
      expect.objectContaining({
        kind: 'corrupt',
        message: expect.stringMatching(/^the manifest the-name is damaged: /),
      }),
    );
  });

  it.each([
    ['a bad HEAD', { head: 'main' }],
    ['a bad ref name', { refs: new Map([['refs/heads/a..b', oid('1')]]) }],
    ['an id of the other format', { refs: new Map([['refs/heads/a', '1'.repeat(64)]]) }],
    ['a peel of no ref', { peeled: new Map([['refs/tags/a', oid('1')]]) }],
    ['a depth without a parent', { depth: 3 }],
    ['a bad incarnation', { incarnation: 'x' }],
  ] satisfies [string, Partial<GitManifest>][])('is not written: %s', (_what, parts) => {
    expect(() => encodeManifest(manifestOf(parts))).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});

describe('bytes that are not exactly a manifest', () => {
  const text = encodeManifest(manifestOf({ refs: new Map([['refs/heads/main', oid('e')]]) })).toString();
  it.each([
    ['nothing', ''],
    ['half of one', text.slice(0, text.length / 2)],
    ['null', 'null'],
    ['a list', '[]'],
    ['a word', '"manifest"'],
    ['white space before it', ` ${text}`],
    ['a newline behind it', `${text}\n`],
    ['a byte order mark', `\ufeff${text}`],
    [
      'keys in another signed state',
      text.replace('{"causes"', '{"version":1,"causes"').replace(',"version":1}', '}'),
    ],
    ['a key twice', text.replace('"refs":{', `"refs":{"refs/heads/main":"${oid('d')}",`)],
    ['an escape it does not need', text.replace('"rig"', '"\\u0072ig"')],
    ['a number in another form', text.replace('1700000000', '17e8')],
    ['a prototype', text.replace('"refs":{', '"__proto__":{},"refs":{')],
  ])('are refused: %s', (_what, bytes) => {
    expect(bytes).not.toBe(text);
    expect(() => decodeText(bytes)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  it('are refused: not UTF-8', () => {
    const bytes = Buffer.from(text.replace('rig', 'r\xfcg'), 'latin1');
    expect(() => decodeManifest(bytes, 'x')).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  it('are refused: longer than a manifest may be', () => {
    expect(() => decodeManifest(Buffer.alloc(MAX_MANIFEST_BYTES + 1, ' '), 'x')).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining('too large') }),
    );
  });
});
