import { type ConformanceCase, check, mustRefuse, mustWrite, read } from './conformance-check.ts';

/** Create, replace, overwrite, version tokens and conditional reads. */
export const conditionCases: readonly ConformanceCase[] = [
  {
    name: 'create writes once and then says that the key exists',
    async run(stores) {
      const key = `${stores.prefix}create`;
      await mustWrite(stores, key, Buffer.from('first'));
      await stores.pause();
      await mustRefuse(stores, key, Buffer.from('second'), { mode: 'create' }, 'exists');
      const { bytes } = await read(stores.second, key);
      check(bytes.toString() === 'first', key, `a refused create left ${JSON.stringify(bytes.toString())}`);
    },
  },
  {
    name: 'replace takes the current version and refuses an old one',
    async run(stores) {
      const key = `${stores.prefix}replace`;
      const old = await mustWrite(stores, key, Buffer.from('one'));
      await stores.pause();
      const current = await mustWrite(stores, key, Buffer.from('two'), { mode: 'replace', version: old });
      check(current !== old, key, 'two different bodies have one version');
      await stores.pause();
      await mustRefuse(stores, key, Buffer.from('three'), { mode: 'replace', version: old }, 'changed');
      const { bytes, version } = await read(stores.second, key);
      check(bytes.toString() === 'two', key, `a refused replace left ${JSON.stringify(bytes.toString())}`);
      check(version === current, key, 'a read gives another version than the write did');
    },
  },
  {
    name: 'replace of a key that is not there does not create it',
    async run(stores) {
      const key = `${stores.prefix}absent`;
      const elsewhere = await mustWrite(stores, `${stores.prefix}present`, Buffer.from('elsewhere'));
      const mode = { mode: 'replace', version: elsewhere } as const;
      await mustRefuse(stores, key, Buffer.from('never'), mode, 'missing', 'changed');
      const head = await stores.second.head(key);
      check(!head.found, key, 'replace created a key that was not there');
    },
  },
  {
    name: 'overwrite writes whether or not the key is there',
    async run(stores) {
      const key = `${stores.prefix}overwrite`;
      const first = await mustWrite(stores, key, Buffer.from('a'), { mode: 'overwrite' });
      await stores.pause();
      const second = await mustWrite(stores, key, Buffer.from('b'), { mode: 'overwrite' });
      check(first !== second, key, 'two different bodies have one version');
      const { bytes } = await read(stores.second, key);
      check(bytes.toString() === 'b', key, 'a read after an overwrite gives the old body');
    },
  },
  {
    name: 'PUT, GET and HEAD give one version, and the size',
    async run(stores) {
      const key = `${stores.prefix}tokens`;
      const written = await mustWrite(stores, key, Buffer.from('twelve bytes'));
      const got = await read(stores.second, key);
      const head = await stores.second.head(key);
      check(head.found, key, 'HEAD does not find what was written');
      check(got.version === written, key, `GET gives version ${got.version}, PUT gave ${written}`);
      check(head.version === written, key, `HEAD gives version ${head.version}, PUT gave ${written}`);
      check(
        got.size === 12 && head.size === 12,
        key,
        `12 bytes are ${got.size} by GET and ${head.size} by HEAD`,
      );
    },
  },
  {
    name: 'a conditional read is not-modified until a write, and never after it',
    async run(stores) {
      const key = `${stores.prefix}fresh`;
      let version = await mustWrite(stores, key, Buffer.from('0'));
      for (const body of ['1', '2']) {
        const same = await stores.second.get(key, { ifNoneMatch: version });
        if (same.found) same.body.destroy();
        check(
          !same.found && same.reason === 'not-modified',
          key,
          'an unchanged object was not answered "not modified"',
        );
        await stores.pause();
        const old = version;
        version = await mustWrite(stores, key, Buffer.from(body), { mode: 'replace', version: old });
        const [seen, seenToo] = await Promise.all([
          read(stores.second, key, { ifNoneMatch: old }),
          read(stores.first, key, { ifNoneMatch: old }),
        ]);
        check(
          seen.bytes.toString() === body && seenToo.bytes.toString() === body,
          key,
          'a conditional read after a write gives an old body',
        );
      }
    },
  },
  {
    name: 'what is not there is missing, and deleting it is no error',
    async run(stores) {
      const key = `${stores.prefix}nothing`;
      for (const store of [stores.first, stores.second]) {
        const got = await store.get(key);
        if (got.found) got.body.destroy();
        check(!got.found && got.reason === 'missing', key, 'a read of nothing does not say "missing"');
        const conditional = await store.get(key, { ifNoneMatch: 'abc' });
        if (conditional.found) conditional.body.destroy();
        check(
          !conditional.found && conditional.reason === 'missing',
          key,
          'a conditional read of nothing does not say "missing"',
        );
        check(!(await store.head(key)).found, key, 'HEAD finds what was never written');
      }
      await stores.first.delete(key);
    },
  },
  {
    name: 'delete removes a key, twice without an error, and create works again',
    async run(stores) {
      const key = `${stores.prefix}deleted`;
      await mustWrite(stores, key, Buffer.from('before'));
      await stores.first.delete(key);
      await stores.second.delete(key);
      check(!(await stores.second.head(key)).found, key, 'HEAD finds a deleted key');
      await stores.pause();
      await mustWrite(stores, key, Buffer.from('after'));
      const { bytes } = await read(stores.second, key);
      check(bytes.toString() === 'after', key, 'a read after delete and create gives the old body');
    },
  },
];
