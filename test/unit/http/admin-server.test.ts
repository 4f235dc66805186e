import { connect } from 'node:net';
import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { AdminServer } from '../../../src/http/admin-server.ts';
import { speak } from '../../helpers/raw-socket.ts';

it('the admin server answers an HTTP/1.0 client without Host', async () => {
  const routes = new Hono().get('/healthz', (c) => c.json({ status: 'ok' }));
  await using server = await AdminServer.listen({ host: '127.0.0.1', port: 0 }, routes);

  const socket = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
  const answer = (await speak(socket, 'GET /healthz HTTP/1.0\r\n\r\n')).toString();

  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toContain('{"status":"ok"}');
});
