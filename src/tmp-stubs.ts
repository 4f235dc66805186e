import { MemoryObjectStore } from './object-store/memory.ts';
export async function openStores(_s: unknown, _o?: unknown) {
  const m = new MemoryObjectStore();
  return { control: m, bulk: m };
}
export function observeStores<T>(s: T, _m: unknown): T {
  return s;
}
