import { COPY } from './script/copy.ts';
import { LINES } from './script/lines.ts';
import { SIGN_IN } from './script/sign-in.ts';

/** The one script. Pages work without it: it only adds to them. */
export const SCRIPT = ["'use strict';", COPY, LINES, SIGN_IN].join('\n');
