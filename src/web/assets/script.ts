import { COPY } from './script/copy.ts';
import { LINES } from './script/lines.ts';
import { SIGN_IN } from './script/sign-in.ts';
import { SWITCH } from './script/switch.ts';

/** The one script. Pages work without it: it only adds to them. */
export const SCRIPT = ["'use strict';", COPY, LINES, SIGN_IN, SWITCH].join('\n');
