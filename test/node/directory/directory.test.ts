import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import type { Handle } from '../../../src/events/ids.ts'
import { partyFingerprint } from '../../../src/events/parties/party-card.ts'
import { Directory } from '../../../src/node/directory/directory.ts'
import { DirectoryDamaged } from '../../../src/node/directory/directory-events.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { type EventStore, NO_EVENTS, type Store } from '../../../src/store/port.ts'
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts'
import { DIRECTORY_STREAM } from '../../../src/store/streams.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { type TestParty, testParty } from '../../support/party.ts'
import { tlsIdentity } from '../../support/tls.ts'

const acme = testParty('acme-re')
const zurich = testParty('zurich')
const fingerprintOf = (party: TestParty) => partyFingerprint(party.card)

function memoryStore(t: Test): Store {
  const store = openMemoryStore()
  t.teardown(() => store.close())
  return store
}

/** The same events, but subscribers hear of them some turns of the event loop later. */
function tellingLate(events: EventStore): EventStore {
  return {
    append: (...args) => events.append(...args),
    read: (...args) => events.read(...args),
    lastRevision: (stream) => events.lastRevision(stream),
    lastPosition: () => events.lastPosition(),
    readAll: (range) => events.readAll(range),
    subscribe: (range, handler) =>
      events.subscribe(range, async (event) => {
        for (let turn = 0; turn < 5; turn++) await setImmediate()
        await handler(event)
      }),
  }
}

async function add(directory: Directory, party: TestParty): Promise<void> {
  await directory.introduce(await party.introduce())
  await directory.approve(party.card.handle, fingerprintOf(party))
}

t.test('lookups find approved parties, and only those', async (t) => {
  const directory = await Directory.open(memoryStore(t).events, systemClock)
  const { introduction } = await acme.introduce()
  const { handle } = acme.card
  const found = () => [
    directory.byHandle(handle),
    directory.caller(introduction.certificate, handle),
    ...directory.approved(),
  ]
  t.strictSame(found(), [undefined, undefined])
  await directory.introduce(await acme.introduce())
  t.strictSame(found(), [undefined, undefined], 'introduced')
  t.match(directory.party(handle), { standing: 'introduced' })
  await directory.approve(handle, fingerprintOf(acme))
  t.strictSame(found(), [introduction, introduction, introduction], 'approved')
  await directory.block(handle, 'left the market')
  t.strictSame(found(), [undefined, undefined], 'blocked')
  t.match(directory.parties(), [{ standing: 'blocked', signed: { introduction } }])
})

t.test('a party that moves is found under its new certificate alone', async (t) => {
  const directory = await Directory.open(memoryStore(t).events, systemClock)
  await add(directory, acme)
  const before = (await acme.introduce()).introduction.certificate
  const renewed = tlsIdentity('acme-re')
  await directory.introduce(await acme.introduce({ serial: 1 }, renewed))
  t.equal(directory.caller(before, 'acme-re'), undefined)
  t.equal(directory.caller(renewed.fingerprint, 'acme-re')?.serial, 1)
})

t.test('a command is done only when the lookups know of it, however late the store tells', async (t) => {
  const directory = await Directory.open(tellingLate(memoryStore(t).events), systemClock)
  await add(directory, acme)
  t.ok(directory.byHandle(acme.card.handle))
  await directory.block(acme.card.handle)
  t.notOk(directory.byHandle(acme.card.handle))
})

t.test(
  'what another process has written counts as soon as it is asked for, however late the store tells',
  async (t) => {
    const { events } = memoryStore(t)
    const [written, asked] = [
      await Directory.open(events, systemClock),
      await Directory.open(tellingLate(events), systemClock),
    ]
    await add(written, acme)
    t.notOk(asked.byHandle(acme.card.handle), 'nobody has told it yet')
    await asked.current()
    t.ok(asked.byHandle(acme.card.handle))
    await asked.current()
  },
)

t.test('a refused command changes nothing', async (t) => {
  const store = memoryStore(t)
  const directory = await Directory.open(store.events, systemClock)
  await add(directory, acme)
  const revision = await store.events.lastRevision(DIRECTORY_STREAM)
  await t.rejects(directory.introduce(await testParty('acme-re').introduce()), { code: 'party_conflict' })
  await t.rejects(directory.approve('nobody' as Handle, fingerprintOf(acme)), { code: 'party_unknown' })
  t.equal(await store.events.lastRevision(DIRECTORY_STREAM), revision)
})

t.test('what is stored is what was decided, and when', async (t) => {
  const store = memoryStore(t)
  const clock = { ...systemClock, now: () => Date.parse('2026-11-23T12:00:00Z') }
  const directory = await Directory.open(store.events, clock)
  const signed = await acme.introduce()
  await directory.introduce(signed)
  await directory.approve(acme.card.handle, fingerprintOf(acme))
  await directory.block(acme.card.handle)
  const events = []
  for await (const { type, data } of store.events.read(DIRECTORY_STREAM)) events.push([type, data])
  const time = '2026-11-23T12:00:00.000Z'
  t.strictSame(events, [
    ['PartyIntroduced', canonicalJson({ signed, time })],
    ['PartyApproved', canonicalJson({ handle: 'acme-re', fingerprint: fingerprintOf(acme), time })],
    ['PartyBlocked', canonicalJson({ handle: 'acme-re', fingerprint: fingerprintOf(acme), time })],
  ])
})

t.test('two processes on one file agree, whoever writes', async (t) => {
  const path = join(t.testdir(), 'store.sqlite')
  const stores = [await openSqliteStore(path), await openSqliteStore(path)] as const
  t.teardown(async () => {
    for (const store of stores) await store.close()
  })
  const [serve, node] = [
    await Directory.open(stores[0].events, systemClock),
    await Directory.open(stores[1].events, systemClock),
  ] as const
  const told = new Promise<void>((resolve) => {
    const stop = node.onChange(() => {
      if (node.approved().length < 2) return
      stop()
      resolve()
    })
  })
  await Promise.all([add(serve, acme), add(serve, zurich)])
  await told
  t.strictSame(node.parties(), serve.parties())
  await node.block(acme.card.handle)
  await t.rejects(serve.approve(acme.card.handle, fingerprintOf(zurich)), { code: 'party_wrong_fingerprint' })
})

t.test('of commands at the same moment each is decided on what the one before left', async (t) => {
  const store = memoryStore(t)
  const directories = await Promise.all(Array.from({ length: 3 }, () => Directory.open(store.events, systemClock)))
  await Promise.all(directories.map(async (directory) => directory.introduce(await acme.introduce())))
  t.equal(await store.events.lastRevision(DIRECTORY_STREAM), 0, 'introduced once')
  await Promise.all(directories.map((directory) => directory.approve(acme.card.handle, fingerprintOf(acme))))
  t.equal(await store.events.lastRevision(DIRECTORY_STREAM), 1, 'approved once')

  const rivals = [testParty('rival'), testParty('rival'), testParty('rival')]
  const outcomes = await Promise.allSettled(rivals.map((rival, i) => add(directories[i] as Directory, rival)))
  const winners = rivals.filter((_, i) => outcomes[i]?.status === 'fulfilled')
  t.equal(winners.length, 1, 'whoever is approved first: a person decides')
  const { card } = (await Directory.open(store.events, systemClock)).byHandle('rival' as Handle) ?? {}
  t.strictSame(card, winners[0]?.card)
})

t.test('a directory is rebuilt from its stream', async (t) => {
  const store = memoryStore(t)
  const first = await Directory.open(store.events, systemClock)
  await add(first, acme)
  await add(first, zurich)
  await first.block(zurich.card.handle)
  first.close()
  await first.closed
  const second = await Directory.open(store.events, systemClock)
  t.strictSame(second.parties(), first.parties())
  t.strictSame(second.approved(), first.approved())
})

t.test('streams whose names begin alike are none of its business', async (t) => {
  const store = memoryStore(t)
  await store.events.append(`${DIRECTORY_STREAM}-of-others`, 'any', [{ type: 'Noise', data: '{}' }])
  const directory = await Directory.open(store.events, systemClock)
  await add(directory, acme)
  t.equal(directory.approved().length, 1)
})

t.test('an event that Concordata does not write stops the node', async (t) => {
  const time = '2026-11-23T12:00:00.000Z'
  const damages = [
    { type: 'PartyApproved', data: '{"handle":"acme-re"}' },
    { type: 'PartyApproved', data: 'no JSON' },
    { type: 'PartyPromoted', data: canonicalJson({ handle: 'acme-re', time }) },
    { type: 'constructor', data: '{}' },
  ]
  for (const damage of damages) {
    const store = memoryStore(t)
    const directory = await Directory.open(store.events, systemClock)
    await add(directory, acme)
    const message = `event 2 of the directory is no ${damage.type} as Concordata writes it`
    const stopped = t.rejects(directory.closed, { code: 'directory_damaged', message })
    await store.events.append(DIRECTORY_STREAM, 1, [damage])
    await stopped
    await t.rejects(
      directory.block(acme.card.handle),
      DirectoryDamaged,
      'no command is taken on a state that is not known',
    )
    await t.rejects(Directory.open(store.events, systemClock), DirectoryDamaged, 'nor does it start')
  }
})

const shared = tlsIdentity('gateway')

t.test('of introductions that nobody has asked for few are kept, and fewer that say the same DID', async (t) => {
  const keptOf = async (said: readonly TestParty[], partners?: readonly string[]) => {
    const directory = await Directory.open(memoryStore(t).events, systemClock, partners)
    for (const party of said) await directory.announced(await party.introduce({}, shared))
    return directory.parties().length
  }
  const named = ['*.example']
  const many = Array.from({ length: 70 }, (_, n) => testParty(`made-up-${n}`))
  const alike = Array.from({ length: 6 }, () => testParty('acme-re'))
  t.equal(await keptOf(many, named), 64)
  t.equal(await keptOf(alike, named), 4)
  t.equal(await keptOf(many, ['other.example']), 0, 'none of who is not named')
  t.equal(await keptOf(many), 0, 'none where nobody is named')
})

t.test(
  'who squats on a DID keeps the true party from nobody’s eyes: the newest takes the place of the oldest',
  async (t) => {
    const store = memoryStore(t)
    const directory = await Directory.open(store.events, systemClock, ['*.example'])
    await add(directory, zurich)
    const asked = testParty('acme-re')
    await directory.introduce(await asked.introduce())
    const squatters = Array.from({ length: 6 }, () => testParty('acme-re'))
    for (const squatter of squatters) await directory.announced(await squatter.introduce({}, shared))
    await directory.announced(await acme.introduce())
    const shown = () => directory.parties().map(({ signed }) => signed.introduction.card)
    t.same(shown(), [zurich.card, asked.card, ...squatters.slice(3).map(({ card }) => card), acme.card])
    t.equal(directory.givenUp, 3, 'and the operator is told')
    await directory.approve(acme.card.handle, fingerprintOf(acme))
    t.strictSame((await Directory.open(store.events, systemClock, ['*.example'])).parties(), directory.parties())
  },
)

t.test('neither strangers nor an approved party make the directory longer without end', async (t) => {
  const store = memoryStore(t)
  const clock = new VirtualClock()
  const directory = await Directory.open(store.events, clock, ['*.example'])
  await add(directory, acme)
  const before = await store.events.lastRevision(DIRECTORY_STREAM)
  for (let serial = 1; serial <= 40; serial++) await directory.announced(await acme.introduce({ serial }, shared))
  const renewed = await store.events.lastRevision(DIRECTORY_STREAM)
  t.equal(renewed, before + 16)
  const squatter = async () => directory.announced(await testParty('zurich').introduce({}, shared))
  for (let nth = 0; nth < 100; nth++) await squatter()
  const replaced = await store.events.lastRevision(DIRECTORY_STREAM)
  t.equal(replaced, renewed + 4 + 64)
  await clock.runUntil(clock.now() + 3_600_000)
  await directory.announced(await acme.introduce({ serial: 50 }, shared))
  t.equal(directory.byHandle(acme.card.handle)?.serial, 50)
  await squatter()
  t.equal(await store.events.lastRevision(DIRECTORY_STREAM), replaced + 2)
})

t.test('who was blocked does not introduce itself again under another handle', async (t) => {
  const directory = await Directory.open(memoryStore(t).events, systemClock, ['*.example'])
  await add(directory, acme)
  await directory.block(acme.card.handle)
  const renamed = testParty('acme-anew')
  const { signing } = acme.card.keys
  const signed = await renamed.introduce()
  const card = { ...signed.introduction.card, keys: { ...renamed.card.keys, signing } }
  await directory.announced({ ...signed, introduction: { ...signed.introduction, card } })
  t.same(
    directory.parties().map(({ standing }) => standing),
    ['blocked'],
  )
  await directory.announced(signed)
  t.equal(directory.parties().length, 2, 'with a key of its own it would')
})

t.test('a closed directory takes no command', async (t) => {
  const store = memoryStore(t)
  const directory = await Directory.open(store.events, systemClock)
  directory.close()
  await directory.closed
  await t.rejects(directory.introduce(await acme.introduce()), { code: 'store_closed' })
  t.equal(await store.events.lastRevision(DIRECTORY_STREAM), NO_EVENTS)
})
