import { z } from 'zod';
import type { ShownPerson } from './people-on-page.ts';

export const nostrPersonSchema = z.object({
  pubkey: z.string(),
  npub: z.string(),
  name: z.string().nullable().describe('name stated by the person, not verified'),
  role: z.enum(['owner', 'maintainer']).nullable().describe('the rights in this repository'),
});

export function nostrPersonJson({ key, npub, name, role }: ShownPerson): z.infer<typeof nostrPersonSchema> {
  return { pubkey: key, npub, name: name ?? null, role: role ?? null };
}
