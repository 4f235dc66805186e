import { COPY } from './script/copy.ts';
import { SIGN_IN } from './script/sign-in.ts';

/** The one script. Pages work without it: it only adds to them. */
export const SCRIPT = ["'use strict';", COPY, SIGN_IN].join('\n');
