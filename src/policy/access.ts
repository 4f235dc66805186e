/** Who may do what as long as repositories have no announced owners: `open`, anyone may push; `read-only`, nobody. */
export type AccessMode = 'signed' | 'open' | 'read-only';

export type AccessDecision = { readonly allow: true } | { readonly allow: false; readonly reason: string };

/** Decides whether a push may begin at all; rules about single refs come later. */
export function decidePush(mode: AccessMode): AccessDecision {
  if (mode === 'open') return { allow: true };
  return { allow: false, reason: 'this server is read-only' };
}
