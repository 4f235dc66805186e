import { COPY } from './script/copy.ts';

/** The one script. Pages work without it: it only adds to them. */
export const SCRIPT = ["'use strict';", COPY].join('\n');
