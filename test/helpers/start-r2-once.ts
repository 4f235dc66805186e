import type { TestProject } from 'vitest/node';
import { type BucketAccess, startSimulator } from './r2-simulator.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The simulator that all files of the project share; undefined in projects that start none. */
    r2: BucketAccess | undefined;
  }
}

/** Starts one S3 endpoint for all test files of a project, unless `CAIRN_TEST_S3_URL` names one. Starting one takes a second. */
export default async function startR2Once(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const url = process.env['CAIRN_TEST_S3_URL'];
  if (url !== undefined && url !== '') return undefined;
  const simulator = await startSimulator();
  project.provide('r2', simulator.access);
  return simulator.stop;
}
