import { z } from 'zod';
import type { CheckInFacts } from '../../browse/fossil/fossil-memory.ts';

/** A check-in for programs. */
export const checkInSchema = z.object({
  name: z.string(),
  comment: z.string(),
  user: z.string(),
  time: z.number().int().nullable().describe('seconds since 1970; null if the date is invalid'),
  parents: z.array(z.string()).describe('the first is the primary one'),
  branch: z.string().nullable().describe('the branch that starts with it'),
  tags: z.array(z.string()).describe('its other tags'),
});

export function checkInJson(facts: CheckInFacts): z.infer<typeof checkInSchema> {
  const { name, comment, user, time, parents, branch, tags } = facts;
  return {
    name,
    comment,
    user,
    time: time ?? null,
    parents: [...parents],
    branch: branch ?? null,
    tags: [...tags],
  };
}
