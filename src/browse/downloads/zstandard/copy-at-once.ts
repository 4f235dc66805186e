import type { Zstd } from '@hpcc-js/wasm-zstd';

/** What the library calls to take a result out of its memory. */
interface Heap {
  heapView(block: unknown): Uint8Array;
  heapToUint8Array(block: unknown): Uint8Array;
}

/**
 * Has the library copy its results at once. Version 1.12.5 copies each byte through an iterator, which takes three quarters of
 * its time, and memory for a JavaScript array of all bytes. The results are the same, so a library of another shape is left as
 * it is.
 * @returns whether it could be done
 */
export function copyAtOnce(zstd: Zstd): boolean {
  // Private, but for this there is no other way.
  const heap: unknown = Reflect.get(zstd, '_mainModule');
  if (!isHeap(heap)) return false;
  heap.heapToUint8Array = (block) => heap.heapView(block).slice();
  return true;
}

function isHeap(value: unknown): value is Heap {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'heapView') === 'function' &&
    typeof Reflect.get(value, 'heapToUint8Array') === 'function'
  );
}
