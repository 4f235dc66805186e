import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A certificate for `localhost` and 127.0.0.1 that nobody but a test trusts, valid for a hundred years, and its key. Made with
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost
 * -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1'`, and kept here because not every machine has openssl.
 */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUerBm2OAhrONqNHB8S7BMxa1YR5gwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTAzMTI0MVoYDzIxMjYxMDI4
MDMxMjQxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARBbaFJj96i7QWnSIPlWd4eYIRDNAqzdrxzBAHr6HItfAtB8amVoPgR
XiivW2hHwiLTnA3gyv8IlMSg8z9H/nPOo28wbTAdBgNVHQ4EFgQUuh+lgnruGAqK
sdfN0pxdUSQjieswHwYDVR0jBBgwFoAUuh+lgnruGAqKsdfN0pxdUSQjieswDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgM6cnFp5eM12ZMMEDRCArrDDWhg9NccvF5dX5nXP+QmMCIGO/
dnhuJoi/cgnHx0qmQf4iPTlGZPFw7diGPLA8+PMc
-----END CERTIFICATE-----
`;
/** The key of the certificate. */
export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOg5kWLX4P8SR/Tde
T4W2HDBlPV1xwZEZAxjoWRVW0X2hRANCAARBbaFJj96i7QWnSIPlWd4eYIRDNAqz
drxzBAHr6HItfAtB8amVoPgRXiivW2hHwiLTnA3gyv8IlMSg8z9H/nPO
-----END PRIVATE KEY-----
`;

/** A key that is not the certificate's. */
export const OTHER_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4cHHjVjPKhlW3JNb
J8hHbkjK8wSVwg6KIT+ZbUQ1+XqhRANCAAROHoz/Iub5I1+bAITE3n4yVv0SYlac
9iUAIKyUb+C4Ra+petEPtzfNUb63pb2I1LNuRe83F3XfLfoPHD5xLMRk
-----END PRIVATE KEY-----
`;

/** Writes both into a folder and returns their paths. */
export async function writeCertificate(
  folder: string,
): Promise<{ readonly cert: string; readonly key: string }> {
  const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  await Promise.all([writeFile(paths.cert, CERTIFICATE), writeFile(paths.key, KEY)]);
  return paths;
}
