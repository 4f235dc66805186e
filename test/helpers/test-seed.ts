/**
 * The seed of a test with random inputs. It is the same in every run, so that no change fails for an input that it has not met
 * before: `CAIRN_TEST_SEED=<number>` gives other inputs, `CAIRN_TEST_SEED=random` new ones each time.
 * @param usual the seed of a run that asks for none
 */
export function testSeed(usual = 1): number {
  const wanted = process.env['CAIRN_TEST_SEED'];
  if (wanted === undefined || wanted === '') return usual;
  if (wanted === 'random') return Math.floor(Math.random() * 2 ** 31);
  const seed = Number(wanted);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error('CAIRN_TEST_SEED is a number, or random');
  return seed;
}
