import { expect, it } from 'vitest';
import { parsePatchMail } from '../../../../src/git/diff/patch-mail.ts';
import { allowsGit, parseAllowedSigners } from '../../../../src/git/objects/allowed-signers.ts';
import { parseCommit, splitMessage } from '../../../../src/git/objects/commit.ts';
import { Mailmap } from '../../../../src/git/objects/mailmap.ts';
import { parsePerson } from '../../../../src/git/objects/person.ts';
import { findReferences } from '../../../../src/git/objects/references.ts';
import { openPgpKey, parseSshSignature, signatureKind } from '../../../../src/git/objects/signature.ts';
import { parseTag } from '../../../../src/git/objects/tag.ts';
import { splitTrailers } from '../../../../src/git/objects/trailers.ts';

/** A quarter of what is read of a commit: quadratic work would take minutes. */
const SIZE = 256 * 1024;
const filled = (piece: string) => piece.repeat(Math.ceil(SIZE / piece.length));

/** Texts that an expression which begins anew at each character takes hours for. */
const TEXTS = [' ', '\n', ' \n', '<', '< ', '(', 'a ', '-', '\n-- \n', 'https://', 'deadbeef'].flatMap(
  (piece) => [filled(piece), `a${filled(piece)}b`],
);

it('texts of 256 KiB are read quickly, for any repetition', () => {
  for (const text of TEXTS) {
    const what = JSON.stringify(text.slice(0, 30));
    const { subject } = splitMessage(text);
    expect(subject.length, what).toBeLessThanOrEqual(text.length);
    expect(splitTrailers(text).text.length, what).toBeLessThanOrEqual(text.length);
    expect(findReferences(text).length, what).toBeLessThanOrEqual(200);
    expect(parsePerson(text).time, what).toBe(0);
    const content = Buffer.from(`tree x\nauthor ${text}\ngpgsig ${text}\n\n${text}`);
    expect(parseCommit(content).tree, what).toBe('x');
    expect(parseTag(content).object, what).toBe('');
    expect(Mailmap.parse(content).apply({ name: 'n', email: 'e' }).name, what).toBe('n');
    expect(
      parseAllowedSigners(content).some((signer) => allowsGit(signer, 0)),
      what,
    ).toBe(false);
    expect(signatureKind(text)).toMatch(/ssh|unknown/);
    for (const armour of [text, `-----BEGIN SSH SIGNATURE-----\n${text}\n-----END SSH SIGNATURE-----`]) {
      expect([parseSshSignature(armour), openPgpKey(armour)], what).toEqual([undefined, undefined]);
    }
  }
});

it('patch mails of 256 KiB are read quickly, for any repetition', () => {
  for (const text of TEXTS) {
    const mail = parsePatchMail(text.slice(0, 256 * 1024 - 1).concat('b'), { files: 10, lines: 10 });
    expect(mail.count).toBe(0);
  }
});
