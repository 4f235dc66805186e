import { BASE } from './style/base.ts';
import { CODE } from './style/code.ts';
import { DIFF } from './style/diff.ts';
import { FILE } from './style/file.ts';
import { FRAME } from './style/frame.ts';
import { FRONT } from './style/front.ts';
import { HIGHLIGHT } from './style/highlight.ts';
import { MARKDOWN } from './style/markdown.ts';
import { NOSTR } from './style/nostr.ts';
import { OVERVIEW } from './style/overview.ts';
import { PALETTE } from './style/palette.ts';
import { REFS } from './style/refs.ts';
import { SESSION } from './style/session.ts';

/** The one style sheet. Without it a page is still read from top to bottom. Later parts win over earlier ones. */
export const STYLE = [
  PALETTE,
  BASE,
  CODE,
  DIFF,
  FILE,
  HIGHLIGHT,
  NOSTR,
  REFS,
  SESSION,
  FRONT,
  OVERVIEW,
  MARKDOWN,
  FRAME,
].join('');
