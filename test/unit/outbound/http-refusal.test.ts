import { expect, it } from 'vitest';
import { refusalOf } from '../../../src/outbound/http-refusal.ts';

/** Takes a secret out as long as it stands in one piece. */
const redact = (text: string) => text.replaceAll('s3cret', '…');

it.each([
  ['a header', { server: 'x s3\u009b0mcret' }, ''],
  ['the body', {}, 'x s3\u001b[0mcret'],
  ['the body', {}, 'x s3\u009b0mcret'],
])('a secret that control sequences cut is taken out of %s', async (_, headers, text) => {
  async function* body() {
    yield Buffer.from(text);
  }
  const { message } = await refusalOf({ status: 500, headers, body: body() }, 'example.org', 0, redact);
  expect(message).toContain('x …');
  expect(message).not.toContain('cret');
});
