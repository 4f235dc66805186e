import { describe, expect, it } from 'vitest';
import { RequestBody } from '../../../src/transfer/request-body.ts';

function bodyOf(...chunks: string[]): RequestBody {
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  return new RequestBody(source());
}

async function rest(body: RequestBody): Promise<string[]> {
  const chunks: string[] = [];
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next())
    chunks.push(String(chunk));
  return chunks;
}

describe('a request body', () => {
  it('is read in pieces, and returned bytes are read first', async () => {
    const body = bodyOf('one', 'two');
    const first = await body.next();
    expect(String(first)).toBe('one');
    body.unread(Buffer.from('again'));
    body.unread(Buffer.alloc(0));
    body.unread(Buffer.from('before'));
    expect(await rest(body)).toEqual(['before', 'again', 'two']);
    expect(await body.next()).toBeUndefined();
  });

  it('accepts returned bytes after its end', async () => {
    const body = bodyOf('one');
    await rest(body);
    body.unread(Buffer.from('one'));
    expect(await rest(body)).toEqual(['one']);
  });

  it('is drained to its end', async () => {
    const body = bodyOf('12', '345');
    body.unread(Buffer.from('0'));
    await body.drain();
    expect(await body.next()).toBeUndefined();
  });

  it('is read only to a limit that was lowered meanwhile', async () => {
    const body = bodyOf('12', '345', '6');
    await body.next();
    body.cap(3);
    body.cap(100);
    expect(String(await body.next())).toBe('345');
    await expect(body.drain()).rejects.toMatchObject({ kind: 'too-large' });
  });

  it('fails with the error of its source', async () => {
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.from('one');
      throw new Error('the client has gone');
    }
    await expect(new RequestBody(source()).drain()).rejects.toThrow('gone');
  });
});
