/** Tells calls of an object store apart, for stores that fail or wait on some of them. */
import type { StoreCall } from './faulty-store.ts';

type Call = Pick<StoreCall, 'operation' | 'key'>;

export const isPut = ({ operation }: Pick<StoreCall, 'operation'>): boolean => operation === 'put';

export const isPointerPut = ({ operation, key }: Call): boolean =>
  operation === 'put' && key.endsWith('/pointer');

export const isPointerGet = ({ operation, key }: Call): boolean =>
  operation === 'get' && key.endsWith('/pointer');
