import type { z } from 'zod';
import { pathText } from '../../../../browse/paths.ts';
import { type FoundTag, readTag } from '../../../../browse/refs/tags.ts';
import { CairnError } from '../../../../lib/errors.ts';
import type { CodePage } from '../../code-page.ts';
import { tagJson, tagSchema } from '../../json/tag-json.ts';
import { tagHtml } from './tag-html.ts';

interface TagQuestion {
  readonly ref: string;
  readonly oid: string;
}

/** One tag. */
export const tagPage: CodePage<TagQuestion, FoundTag, z.infer<typeof tagSchema>> = {
  word: 'tag',
  description: { summary: 'A tag: its message, and the object that it names', path: 'tag/{tag}' },
  ask: (_, { manifest }, segments) => {
    const ref = `refs/tags/${pathText(segments)}`;
    const oid = manifest.refs.get(ref);
    if (oid === undefined) throw new CairnError('not-found', 'there is no such tag');
    return { ref, oid };
  },
  read: ({ view }, { ref, oid }) => readTag(view, ref, oid),
  html: (context, _, tag) => tagHtml(context, tag),
  json: { schema: tagSchema, of: (_, __, tag) => tagJson(tag) },
};
