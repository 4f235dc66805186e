import { expect, it } from 'vitest';
import { languageNamed, languageOf } from '../../../../src/web/render/language-of.ts';

it.each([
  ['main.ts', '', 'typescript'],
  ['MAIN.PY', '', 'python'],
  ['Dockerfile', '', 'dockerfile'],
  ['Dockerfile.dev', '', 'dockerfile'],
  ['GNUmakefile', '', 'makefile'],
  ['CMakeLists.txt', '', 'cmake'],
  ['.gitmodules', '', 'ini'],
  ['run', '#!/bin/sh', 'bash'],
  ['run', '#! /usr/bin/env -S FOO=1 python3.11 -u', 'python'],
  ['run', '#!/usr/local/bin/perl5.36 -w', 'perl'],
  ['run', 'import os', undefined],
  ['notes.txt', '', undefined],
  ['x.constructor', '', undefined],
  ['constructor', '#!constructor', undefined],
  ['__proto__', '#!__proto__', undefined],
  ['', '', undefined],
])('a file %j that begins with %j is in %s', (name, firstLine, language) => {
  expect(languageOf(name, firstLine)).toBe(language);
});

it('a language is found by its name, a file ending or an alias, and never by an object property', () => {
  expect(['TypeScript', 'ts', 'shell', 'nothing', 'constructor', ''].map(languageNamed)).toEqual([
    'typescript',
    'typescript',
    'bash',
    undefined,
    undefined,
    undefined,
  ]);
});
