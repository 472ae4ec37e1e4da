import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { StoreReadonly } from '../../../src/store/errors.ts'
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts'
import { eventStoreConformance } from '../../support/event-store-conformance.ts'
import { open } from '../../support/open-sqlite.ts'
import { type Acknowledged, acknowledge, assertUntorn } from '../../support/store-conformance/crash-trail.ts'
import { all, collector, contract, facts, group, namesOf, sealNamed } from '../../support/store-conformance/harness.ts'
import { startProcess } from '../../support/store-process.ts'

const opener = new URL('../../support/open-sqlite.ts', import.meta.url)
const lookAt = (directory: string) => openSqliteStore(join(directory, 'store.db'), { readonly: true })

t.test('sqlite', (t) => eventStoreConformance(t, open, { durable: { opener }, atomic: true }))

t.test('a store that others write to can be looked at', async (t) => {
  const directory = t.testdir()
  const live = await open(directory)
  const looking = await (async () => {
    await live.events.append('a', -1, facts('a0'))
    return lookAt(directory)
  })()
  t.teardown(() => Promise.all([live.close(), looking.close()]))
  const seen = collector()
  looking.events.subscribe({}, seen.handler)
  await seen.reached(1)
  await live.events.append('a', 0, facts('a1'))
  t.same(namesOf(await seen.reached(2)), ['a0', 'a1'])
  t.same(await all(looking.events.readAll()), await all(live.events.readAll()))
})

t.test('a store opened for reading only takes nothing', async (t) => {
  const directory = t.testdir()
  await (await open(directory)).close()
  const store = await lookAt(directory)
  t.teardown(() => store.close())
  const seal = sealNamed('one')
  const error = await store.events.append('a', -1, facts('a0')).catch((error: unknown) => error)
  t.ok(error instanceof StoreReadonly)
  t.match(error, { code: 'store_readonly', message: /store\.db was opened for reading only$/ })
  await t.rejects(store.payloads.put(contract, group, [{ seal, text: '1' }]), StoreReadonly)
  await t.rejects(store.payloads.erase(contract, [{ group, seal }]), StoreReadonly)
  t.same(await all(store.events.readAll()), [])
})

t.test('a store whose process was killed can be looked at, and stays as it was found', async (t) => {
  const directory = t.testdir()
  const writer = startProcess(t, 'store-crasher.ts', [opener.href, directory])
  const acknowledged: Acknowledged = new Map()
  await writer.nextLine()
  for (let heard = 0; heard < 30; heard++) acknowledge(acknowledged, (await writer.nextLine()) ?? '')
  writer.kill()
  await writer.ended
  const hashes = () =>
    ['store.db', 'store.db-wal'].map((name) =>
      createHash('sha256')
        .update(readFileSync(join(directory, name)))
        .digest('hex'),
    )
  const before = hashes()
  const store = await lookAt(directory)
  await assertUntorn(t, store, acknowledged, true)
  await store.close()
  t.same(hashes(), before)
})
