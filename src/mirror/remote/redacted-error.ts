import { CairnError } from '../../lib/errors.ts';
import { RemoteError } from '../../outbound/remote-error.ts';

/** The error of a parser, whose text may quote the remote, without secrets. Any other error is returned unchanged. */
export function redactedError(error: unknown, redact: (text: string) => string): unknown {
  if (!(error instanceof CairnError)) return error;
  const { kind, message } = error;
  const text = redact(message);
  if (text === message) return error;
  // The first error is no cause of this one: it has the secret.
  return error instanceof RemoteError ? new RemoteError(kind, text, error.facts) : new CairnError(kind, text);
}
