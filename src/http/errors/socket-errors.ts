/** Errors on a connection without an HTTP server: a refused connection, or a refused upgrade to a WebSocket. */

/**
 * The bytes of an HTTP/1.1 response that ends its connection.
 * @param status with its phrase, for example `404 Not Found`
 * @param reason for the client; one line
 */
export function socketError(
  status: string,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
): string {
  const body = `${reason}\n`;
  return [
    `HTTP/1.1 ${status}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
