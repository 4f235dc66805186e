import { BASE } from './style/base.ts';
import { CODE } from './style/code.ts';
import { DIFF } from './style/diff.ts';
import { FILE } from './style/file.ts';
import { HIGHLIGHT } from './style/highlight.ts';
import { NOSTR } from './style/nostr.ts';
import { REFS } from './style/refs.ts';
import { SESSION } from './style/session.ts';

/** The one style sheet. Without it a page is still read from top to bottom. Later parts win over earlier ones. */
export const STYLE = [BASE, CODE, DIFF, FILE, HIGHLIGHT, NOSTR, REFS, SESSION].join('');
