import { join } from 'node:path'
import t, { type Test } from 'tap'
import { StoreUnavailable } from '../../../src/store/errors.ts'
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts'
import { strainOf } from '../../support/event-loop.ts'
import { all, contract, facts, group, sealNamed } from '../../support/store-conformance/harness.ts'
import { startProcess } from '../../support/store-process.ts'

const STALL_MAX_MS = 500
const ref = { group, seal: sealNamed('one') }
const entry = { seal: ref.seal, text: '"one"' }

/** A store whose file another process has locked. */
async function lockedStore(t: Test, lockedMs?: number) {
  const path = join(t.testdir(), 'store.db')
  const store = await openSqliteStore(path, lockedMs === undefined ? {} : { lockedMs })
  await store.payloads.put(contract, group, [entry])
  const other = startProcess(t, 'store-locker.ts', [path])
  t.equal(await other.nextLine(), 'locked')
  t.teardown(() => store.close())
  return { store, path, other }
}

const afterMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

t.test('while another process has the file locked, calls wait and the event loop does not', async (t) => {
  const { store, other } = await lockedStore(t)
  const { stallMs } = await strainOf(async () => {
    const written = [
      store.events.append('a', -1, facts('a0')),
      store.write([{ kind: 'append', stream: 'b', expectedRevision: -1, events: facts('b0') }]),
      store.payloads.put(contract, group, [{ seal: sealNamed('two'), text: '"two"' }]),
    ]
    const isWritten = Promise.race(written.map((write) => write.then(() => true)))
    t.equal(await Promise.race([isWritten, afterMs(1_500).then(() => false)]), false, 'nothing is written')
    t.same(await all(store.events.readAll()), [], 'reading goes on')
    other.send('let go')
    await Promise.all(written)
  })
  t.ok(stallMs < STALL_MAX_MS, `nothing else had its turn for ${stallMs} ms`)
  t.match(
    await all(store.events.readAll()),
    [{ stream: 'a' }, { stream: 'b' }],
    'in the order in which they were asked for',
  )
})

t.test('one that stays locked is unavailable after a while, to those who have come meanwhile too', async (t) => {
  const { store, other } = await lockedStore(t, 1_000)
  const { stallMs } = await strainOf(async () => {
    const first = store.events.append('a', -1, facts('a0')).catch((error: unknown) => error)
    await afterMs(200)
    const second = store.events.append('b', -1, facts('b0')).catch((error: unknown) => error)
    for (const error of await Promise.all([first, second])) {
      t.ok(error instanceof StoreUnavailable)
      t.match(error, { code: 'store_unavailable', evidence: { sqlite: 'SQLITE_BUSY' } })
    }
    await t.rejects(store.payloads.erase(contract, [ref]), { code: 'store_unavailable' })
  })
  t.ok(stallMs < STALL_MAX_MS, `nothing else had its turn for ${stallMs} ms`)
  other.send('let go')
  t.equal(await other.nextLine(), 'free')
  t.same(await all(store.events.readAll()), [], 'what was refused has not taken effect')
  t.equal((await store.events.append('a', -1, facts('a0'))).revision, 0, 'it serves again')
})

t.test('what was accepted before it was closed is durable', async (t) => {
  const { store, path, other } = await lockedStore(t)
  const appended = store.events.append('a', -1, facts('a0'))
  const closed = store.close()
  t.equal(await Promise.race([closed, afterMs(300).then(() => 'not yet')]), 'not yet')
  other.send('let go')
  await Promise.all([appended, closed])
  const again = await openSqliteStore(path)
  t.teardown(() => again.close())
  t.equal(await again.events.lastRevision('a'), 0)
})

t.test('what was put before it was erased is erased', async (t) => {
  const { store, other } = await lockedStore(t)
  const two = { group, seal: sealNamed('two') }
  const put = store.payloads.put(contract, group, [{ seal: two.seal, text: '"two"' }])
  const erased = store.payloads.erase(contract, [ref, two])
  await afterMs(100)
  other.send('let go')
  await Promise.all([put, erased])
  t.same(await store.payloads.get(contract, [ref, two]), new Map())
})

t.test('a subscription gives what was written when the lock was gone', async (t) => {
  const { store, other } = await lockedStore(t)
  const heard = Promise.withResolvers<string>()
  const subscription = store.events.subscribe({}, ({ stream }) => heard.resolve(stream))
  const appended = store.events.append('a', -1, facts('a0'))
  await afterMs(100)
  other.send('let go')
  await appended
  t.equal(await heard.promise, 'a')
  subscription.close()
})
