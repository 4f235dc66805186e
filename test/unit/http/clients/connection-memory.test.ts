import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ConnectionMemory } from '../../../../src/http/clients/connection-memory.ts';
import { RepositoryRig } from '../../../helpers/repository-rig.ts';

const repository = new RepositoryRig().repository;
const other = new RepositoryRig().repository;
const UPLOAD = 'git-upload-pack';
const RECEIVE = 'git-receive-pack';

function request(socket: Socket, headers: IncomingHttpHeaders = {}): IncomingMessage {
  return { socket, headers } as IncomingMessage;
}

describe('the state that a connection was shown', () => {
  it('is remembered for its repository and service only', () => {
    const memory = new ConnectionMemory();
    const socket = new Socket();
    expect(memory.wasShown(request(socket), repository, RECEIVE)).toBe(false);
    memory.remember(request(socket), repository, RECEIVE, true);
    expect(memory.wasShown(request(socket), repository, RECEIVE)).toBe(true);
    expect(memory.wasShown(request(socket), repository, RECEIVE), 'a probe comes before the push').toBe(true);
    expect(memory.wasShown(request(socket), repository, UPLOAD)).toBe(false);
    expect(memory.wasShown(request(socket), other, RECEIVE)).toBe(false);
    expect(memory.wasShown(request(new Socket()), repository, RECEIVE)).toBe(false);
    memory.remember(request(socket), other, RECEIVE, true);
    expect(memory.wasShown(request(socket), repository, RECEIVE)).toBe(false);
  });

  it('replaces one look at the store, if there was a look', () => {
    const memory = new ConnectionMemory();
    const socket = new Socket();
    memory.remember(request(socket), repository, UPLOAD, true);
    expect(memory.takeLook(request(socket), repository, UPLOAD)).toBe(true);
    expect(memory.takeLook(request(socket), repository, UPLOAD)).toBe(false);
    memory.remember(request(socket), repository, UPLOAD, false);
    expect(memory.takeLook(request(socket), repository, UPLOAD)).toBe(false);
  });

  it.each(['forwarded', 'x-forwarded-for', 'via'])('is not used behind a proxy (%s)', (header) => {
    const memory = new ConnectionMemory();
    const socket = new Socket();
    memory.remember(request(socket, { [header]: 'x' }), repository, UPLOAD, true);
    expect(memory.takeLook(request(socket), repository, UPLOAD)).toBe(false);
    memory.remember(request(socket), repository, UPLOAD, true);
    expect(memory.wasShown(request(socket, { [header]: 'x' }), repository, UPLOAD)).toBe(false);
  });
});
