import { z } from 'zod';
import { listTags, TAGS_ON_PAGE, type TagList } from '../../../../browse/refs/tags.ts';
import type { CodePage } from '../../code-page.ts';
import { tagJson, tagSchema } from '../../json/tag-json.ts';
import { KEPT_PLACE_QUERY, readKeptPlace } from '../../kept-place.ts';
import { noSegments } from '../../no-segments.ts';
import { readChoice, readNumber } from '../../read-query.ts';
import { tagsHtml } from './tags-html.ts';
import type { TagsQuestion } from './tags-question.ts';

const schema = z.object({
  order: z.enum(['version', 'date', 'name']),
  skip: z.number().int(),
  count: z.number().int().describe('all tags'),
  tags: z.array(tagSchema),
});

/** The tags: the releases of a project. */
export const tagsPage: CodePage<TagsQuestion, TagList, z.infer<typeof schema>> = {
  word: 'tags',
  description: {
    summary: `The tags with their messages, the highest version first, ${TAGS_ON_PAGE} on a page; \`tags/feed.atom\` is a feed`,
    path: 'tags',
    query: {
      order: '`version`, or `date` of the commits; of more than 20,000 tags by name',
      skip: 'tags to leave out before the first one',
      ...KEPT_PLACE_QUERY,
    },
  },
  ask: (_, { digest }, segments, query) => {
    noSegments(segments);
    return {
      digest,
      order: readChoice(query, 'order', ['version', 'date']),
      skip: readNumber(query, 'skip'),
      place: readKeptPlace(query),
    };
  },
  read: ({ view }, { order, skip }) => listTags(view, order, skip),
  html: tagsHtml,
  json: {
    schema,
    of: (_, { order, skip }, { tags, count, byName }) => ({
      order: byName ? ('name' as const) : order,
      skip,
      count,
      tags: tags.map(tagJson),
    }),
  },
};
