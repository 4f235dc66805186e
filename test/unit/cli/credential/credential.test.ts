import { describe, expect, it } from 'vitest';
import {
  credentialAnswer,
  isForUs,
  parseCredentialRequest,
  repositoryUrlOf,
} from '../../../../src/cli/credential/credential.ts';
import { readCredential } from '../../../../src/nostr/http-credential.ts';
import { checkToken } from '../../../../src/nostr/nip98.ts';
import { createSigner } from '../../../../src/nostr/sign.ts';
import { loadVerifier } from '../../../../src/nostr/verify.ts';
import { alice } from '../../nostr/authors.ts';

const verifier = await loadVerifier();
const signer = createSigner(alice.secretKey);
const now = 1_800_000_000;
const clock = { now: () => now * 1000, monotonic: () => 0, sleep: () => Promise.resolve() };
const server = 'https://git.example.org';

const oldGit = ['protocol=https', 'host=git.example.org', 'path=git/npub1a/project.git'];
const gitWithChallenges = [
  ...oldGit,
  'wwwauth[]=Nostr realm="git.example.org"',
  'wwwauth[]=Basic realm="git.example.org"',
];
const newGit = ['capability[]=authtype', 'capability[]=state', ...gitWithChallenges];

function request(lines: readonly string[]) {
  return parseCredentialRequest(`${lines.join('\n')}\n`);
}

function answer(lines: readonly string[]): Map<string, string> {
  const asked = request(lines);
  const given = credentialAnswer(asked, repositoryUrlOf(asked), signer, clock);
  return new Map(given.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
}

/** What the server makes of a header, at the beginning of a push. */
function judge(header: string, repositoryUrl: string) {
  const credential = readCredential(header);
  if (credential.kind !== 'token' || !verifier.verify(credential.event)) return credential;
  return checkToken(credential.event, { repositoryUrls: [repositoryUrl], now, stage: 'advertise' });
}

describe('the answer to git', () => {
  it('is a token in its own scheme if git can send one', () => {
    const given = answer(newGit);
    expect([...given.keys()]).toEqual([
      'capability[]',
      'authtype',
      'credential',
      'ephemeral',
      'password_expiry_utc',
    ]);
    expect(given.get('ephemeral')).toBe('1');
    const header = `${given.get('authtype')} ${given.get('credential')}`;
    expect(judge(header, `${server}/git/npub1a/project`)).toMatchObject({ ok: true, actor: alice.publicKey });
  });

  it.each([
    ['before 2.41', oldGit],
    ['before 2.46', gitWithChallenges],
    ['that meets a server which takes Basic alone', [...newGit.slice(0, 5), 'wwwauth[]=Basic realm="x"']],
  ])('is the token as a Basic password for git %s', (_version, lines) => {
    const given = answer(lines);
    const pair = `${given.get('username')}:${given.get('password')}`;
    const header = `Basic ${Buffer.from(pair).toString('base64')}`;
    expect(judge(header, `${server}/git/npub1a/project`)).toMatchObject({ ok: true, actor: alice.publicKey });
  });

  it('keeps the user name of the URL', () => {
    expect(answer([...oldGit, 'username=alice']).get('username')).toBe('alice');
  });

  it('expires for helpers that store it, before it is too old to begin a push', () => {
    expect(answer(oldGit).get('password_expiry_utc')).toBe(String(now + 60));
    expect(answer(newGit).get('password_expiry_utc')).toBe(String(now + 60));
  });

  it('is for the requested repository only', () => {
    const header = `Nostr ${answer(newGit).get('credential')}`;
    expect(judge(header, `${server}/git/npub1a/another`)).toMatchObject({ ok: false });
    expect(judge(header, 'https://git.example.com/git/npub1a/project')).toMatchObject({ ok: false });
  });
});

describe('the URL of the repository', () => {
  it.each([
    ['git/npub1a/a b.git', `${server}/git/npub1a/a%20b.git`],
    ['git/npub1a/100%.git', `${server}/git/npub1a/100%25.git`],
    ['git/npub1a/naïve?#.git', `${server}/git/npub1a/na%C3%AFve%3F%23.git`],
    ['npub1a/project.git', `${server}/npub1a/project.git`],
  ])('is encoded again: %s', (path, url) => {
    expect(repositoryUrlOf(request([...oldGit.slice(0, 2), `path=${path}`]))).toBe(url);
  });

  it('keeps the port', () => {
    const asked = request(['protocol=http', 'host=127.0.0.1:8080', 'path=git/npub1a/p.git']);
    expect(repositoryUrlOf(asked)).toBe('http://127.0.0.1:8080/git/npub1a/p.git');
  });

  it('is unknown if git leaves the path out, and the error says what to do', () => {
    expect(() => repositoryUrlOf(request(oldGit.slice(0, 2)))).toThrow(
      /git config --global credential\.https:\/\/git\.example\.org\.useHttpPath true/,
    );
  });
});

describe('the helper answers', () => {
  it.each([
    ['the server it was installed for', oldGit, true],
    ['another server that names the scheme', ['host=other.example', ...newGit.slice(4)], true],
  ])('%s', (_what, lines, expected) => {
    expect(isForUs(request(['protocol=https', ...lines]), server)).toBe(expected);
  });

  it.each([
    ['another server that wants a password', ['protocol=https', 'host=other.example', 'wwwauth[]=Basic x']],
    ['another server that says nothing', ['protocol=https', 'host=other.example']],
    ['the same host without TLS', ['protocol=http', 'host=git.example.org']],
    ['another port', ['protocol=https', 'host=git.example.org:8443']],
    ['a longer name', ['protocol=https', 'host=git.example.org.evil.example']],
    ['another protocol', ['protocol=smtp', 'host=git.example.org', 'wwwauth[]=Nostr x']],
    ['a request that is none', ['hello']],
    ['a scheme whose name only begins like it', ['protocol=https', 'host=x.example', 'wwwauth[]=Nostrum x']],
  ])('no other host: %s', (_what, lines) => {
    expect(isForUs(request(lines), server)).toBe(false);
  });

  it('every host that names the scheme, if no server is configured', () => {
    expect(isForUs(request(newGit), undefined)).toBe(true);
    expect(isForUs(request(oldGit), undefined)).toBe(false);
  });
});

it('an empty value restarts a list, and values may contain equal signs', () => {
  const asked = request([...newGit, 'wwwauth[]=', 'wwwauth[]=Basic realm="a=b"', 'path=x=y.git']);
  expect(asked.challenges).toEqual(['Basic realm="a=b"']);
  expect(asked.path).toBe('x=y.git');
});
