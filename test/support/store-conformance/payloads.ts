import fc from 'fast-check'
import type { Test } from 'tap'
import type { Hash } from '../../../src/crypto/hash.ts'
import { SIGNED_CHARACTERS_MAX } from '../../../src/events/limits.ts'
import { AssertionFailed } from '../../../src/runtime/assert.ts'
import { StoreWriteTooLarge } from '../../../src/store/errors.ts'
import type { PayloadEntry, PayloadRef } from '../../../src/store/payload-group.ts'
import { contentGroup, GROUP_BYTES_MAX, type PayloadGroup } from '../../../src/store/payload-group.ts'
import type { PayloadStore } from '../../../src/store/port.ts'
import type { Many, OpenStore } from '../event-store-conformance.ts'
import { contract, freshStore, group, otherContract, refTo, sealNamed } from './harness.ts'

const otherGroup = 'ben.0' as PayloadGroup
const entry = (name: string, text = `{"salt":"","value":"${name}"}`) => ({ seal: sealNamed(name), text })
const refsTo = (entries: readonly PayloadEntry[], where = group): PayloadRef[] =>
  entries.map(({ seal }) => ({ group: where, seal }))
const asMap = (...entries: PayloadEntry[]) => new Map(entries.map(({ seal, text }) => [seal, text]))
const sorted = (held: ReadonlyMap<Hash, string>) => [...held].sort(([one], [other]) => (one < other ? -1 : 1))

export async function payloads(t: Test, open: OpenStore, many: Many): Promise<void> {
  t.test('what was put is got by its group and seal, and what was not is left out', async (t) => {
    const { payloads } = await freshStore(t, open)
    const [one, two, three] = [entry('one'), entry('two', '"😀 \u0000"'), entry('three')]
    await payloads.put(contract, group, [one, two])
    await payloads.put(contract, otherGroup, [three])
    const asked = [...refsTo([three], otherGroup), refTo('unknown'), ...refsTo([two, two])]
    t.same(sorted(await payloads.get(contract, asked)), sorted(asMap(two, three)))
    t.same(await payloads.get(contract, refsTo([three])), new Map(), 'it is in another group')
    t.same(await payloads.get(contract, []), new Map())
    await payloads.put(contract, 'ana.1' as PayloadGroup, [])
  })

  t.test(
    'groups are told apart by contract, party, content, number, and by whether rules have computed them',
    async (t) => {
      const { payloads } = await freshStore(t, open)
      const one = entry('one')
      const places = [
        'ana.0',
        'ana.1',
        'ana.10',
        'ana-0.1',
        'computed.1',
        'computed-1',
        'computed-10',
      ] as PayloadGroup[]
      for (const number of [0, 1, 10])
        places.push(contentGroup(one.seal, number), contentGroup(sealNamed('two'), number))
      for (const contractOf of [contract, otherContract]) {
        for (const place of places)
          await payloads.put(contractOf, place, [{ ...one, text: `"${contractOf} ${place}"` }])
      }
      await payloads.erase(otherContract, refsTo([one], 'ana.1' as PayloadGroup))
      await payloads.erase(contract, refsTo([one], 'computed-1' as PayloadGroup))
      for (const contractOf of [contract, otherContract]) {
        for (const place of places) {
          const isErased = place === (contractOf === contract ? 'computed-1' : 'ana.1')
          const held = await payloads.get(contractOf, refsTo([one], place))
          t.equal(held.get(one.seal), isErased ? undefined : `"${contractOf} ${place}"`)
        }
      }
    },
  )

  t.test('to put into a group adds to it; to put what is there changes nothing', async (t) => {
    const { payloads } = await freshStore(t, open)
    const [one, two, three] = [entry('one'), entry('two'), entry('three')]
    await payloads.put(contract, group, [one, two, one])
    await payloads.put(contract, group, [one])
    await payloads.put(contract, group, [{ ...two, text: '"another"' }, three])
    t.same(sorted(await payloads.get(contract, refsTo([one, two, three]))), sorted(asMap(one, two, three)))
  })

  t.test('some of a group are erased, then the others; what was erased may be put anew', async (t) => {
    const { payloads } = await freshStore(t, open)
    const [one, two, three] = [entry('one'), entry('two'), entry('three')]
    const all = refsTo([one, two, three])
    await payloads.put(contract, group, [one, two])
    await payloads.put(contract, group, [three])
    await payloads.erase(contract, [...refsTo([one]), refTo('unknown'), refTo('one', otherGroup)])
    await payloads.erase(contract, refsTo([one]))
    t.same(sorted(await payloads.get(contract, all)), sorted(asMap(two, three)))
    await payloads.put(contract, group, [one])
    t.same(sorted(await payloads.get(contract, all)), sorted(asMap(one, two, three)))
    await payloads.erase(contract, all)
    await payloads.erase(contract, all)
    t.same(await payloads.get(contract, all), new Map())
    await payloads.put(contract, group, [two])
    t.same(await payloads.get(contract, all), asMap(two))
    await payloads.erase(contract, refsTo([two]))
    t.same(await payloads.get(contract, all), new Map())
  })

  t.test(
    'who checks a store is shown every group of a contract as it stands, and what it was asked for is not needed',
    async (t) => {
      const { payloads } = await freshStore(t, open)
      const [one, two, three] = [entry('one'), entry('two'), entry('three', `"${'x'.repeat(600_000)}"`)]
      const shown = async () => {
        const groups: [string, Map<Hash, string>][] = []
        for await (const { group, entries, faults } of payloads.groups(contract)) {
          t.same(faults, [])
          groups.push([group, new Map(entries)])
        }
        return groups.sort(([one], [other]) => (one < other ? -1 : 1))
      }
      t.same(await shown(), [])
      const places = ['ana.0', 'ana.10', 'computed-3', 'zoe.1'] as PayloadGroup[]
      for (const place of places) await payloads.put(contract, place, [one, two, three])
      await payloads.put(otherContract, 'ana.7' as PayloadGroup, [one])
      await payloads.put(contract, 'ben.0' as PayloadGroup, [two])
      await payloads.erase(contract, [...refsTo([two], 'ana.10' as PayloadGroup), ...refsTo([two], otherGroup)])
      const all = asMap(one, two, three)
      t.same(await shown(), [
        ['ana.0', all],
        ['ana.10', asMap(one, three)],
        ['computed-3', all],
        ['zoe.1', all],
      ])
      const further = Array.from({ length: many(300) }, (_, seq) => `many.${seq}` as PayloadGroup)
      await Promise.all(further.map((place) => payloads.put(contract, place, [one])))
      t.equal((await shown()).length, places.length + further.length)
    },
  )

  t.test('seals that begin alike are told apart', async (t) => {
    const { payloads } = await freshStore(t, open)
    const alike = ['0', '1', '2'].map((last) => ({ seal: `${'a'.repeat(63)}${last}` as Hash, text: `"${last}"` }))
    await payloads.put(contract, group, alike)
    await payloads.erase(contract, refsTo(alike.slice(1, 2)))
    t.same([...(await payloads.get(contract, refsTo(alike))).values()].sort(), ['"0"', '"2"'])
  })

  t.test('there may be many, and large ones', async (t) => {
    const { payloads } = await freshStore(t, open)
    const entries = Array.from({ length: 1_000 }, (_, index) => entry(`${index}`))
    entries.push(entry('large', `"${'x'.repeat(400_000)}"`))
    await payloads.put(contract, group, entries)
    t.same(sorted(await payloads.get(contract, refsTo(entries))), sorted(asMap(...entries)))
    const groups = entries.slice(0, 200).map((one, seq) => ({ one, place: `ana.${seq + 1}` as PayloadGroup }))
    await Promise.all(groups.map(({ one, place }) => payloads.put(contract, place, [one])))
    const refs = groups.flatMap(({ one, place }) => refsTo([one], place))
    t.equal((await payloads.get(contract, refs)).size, 200)
    await payloads.erase(contract, refs)
    t.equal((await payloads.get(contract, refs)).size, 0)
    t.equal((await payloads.get(contract, refsTo(entries))).size, 1_001)
  })

  t.test('there may be some that are larger than one append takes, up to the largest of the protocol', async (t) => {
    const { payloads } = await freshStore(t, open)
    const pair = '😀'
    const entries = [
      entry('small', 'x'),
      entry('3 MiB', 'x'.repeat(3 * 1024 * 1024)),
      // Cut anywhere, pairs would be cut as well.
      entry('pairs', pair.repeat(600_000)),
      entry('pairs aside', `x${pair.repeat(600_000)}`),
    ]
    // A line has so many characters at most, of which none takes more bytes.
    const largest = entry('largest', 'あ'.repeat(SIGNED_CHARACTERS_MAX))
    await payloads.put(contract, group, entries)
    await payloads.put(contract, group, entries)
    await payloads.put(contract, otherGroup, [largest])
    const refs = [...refsTo(entries), ...refsTo([largest], otherGroup)]
    const held = await payloads.get(contract, refs)
    for (const { seal, text } of [...entries, largest]) t.ok(held.get(seal) === text, `${text.length} characters`)
    await payloads.erase(contract, refsTo(entries.slice(0, 2)))
    const rest = await payloads.get(contract, refs)
    t.same([...rest.keys()].sort(), [...entries.slice(2), largest].map(({ seal }) => seal).sort())
    t.ok([...entries.slice(2), largest].every(({ seal, text }) => rest.get(seal) === text))
    await payloads.erase(contract, refs)
    t.equal((await payloads.get(contract, refs)).size, 0)
    await payloads.put(contract, group, entries.slice(1, 2))
    t.ok((await payloads.get(contract, refs)).get(sealNamed('3 MiB')) === entries[1]?.text)
  })

  t.test('more than a group may have is refused, and what is there stays', async (t) => {
    const { payloads } = await freshStore(t, open)
    const [half, rest] = [
      entry('half', 'x'.repeat(GROUP_BYTES_MAX / 2)),
      entry('rest', 'y'.repeat(GROUP_BYTES_MAX / 2)),
    ]
    await payloads.put(contract, group, [half])
    const error = await payloads.put(contract, group, [rest]).catch((error: unknown) => error)
    t.ok(error instanceof StoreWriteTooLarge)
    t.match(error, { code: 'store_write_too_large', evidence: { bytesMax: GROUP_BYTES_MAX } })
    await t.rejects(payloads.put(contract, otherGroup, [half, rest]), StoreWriteTooLarge)
    const held = await payloads.get(contract, [...refsTo([half, rest]), ...refsTo([half, rest], otherGroup)])
    t.same([...held.keys()], [half.seal])
  })

  t.test('of several who put the same large text, or each its own, into a group at once all end well', async (t) => {
    const { payloads } = await freshStore(t, open)
    const large = entry('large', 'あ'.repeat(1024 * 1024))
    const own = Array.from({ length: 4 }, (_, n) => entry(`${n}`, `${n}`.repeat(2 * 1024 * 1024)))
    await Promise.all(own.map((one) => payloads.put(contract, group, [large, one])))
    const held = await payloads.get(contract, refsTo([large, ...own]))
    t.ok([large, ...own].every(({ seal, text }) => held.get(seal) === text))
  })

  t.test('of several who put into and erase from a group at once nobody undoes what another has done', async (t) => {
    const { payloads } = await freshStore(t, open)
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.boolean()), fc.nat(), async (draws, run) => {
        const where = `ana.${run}` as PayloadGroup
        const entries = Array.from({ length: 12 }, (_, n) => entry(`${run} ${n}`))
        const erased = entries.filter(() => draws.next().value)
        const earlier = entries.filter((one) => erased.includes(one) || draws.next().value)
        const later = entries.filter((one) => !earlier.includes(one))
        await payloads.put(contract, where, earlier)
        await Promise.all([
          ...erased.map((one) => payloads.erase(contract, refsTo([one], where))),
          ...later.map((one) => payloads.put(contract, where, [one])),
        ])
        const kept = entries.filter((one) => !erased.includes(one))
        t.same(sorted(await payloads.get(contract, refsTo(entries, where))), sorted(asMap(...kept)))
      }),
      { numRuns: 10 },
    )
  })

  t.test(
    'who reads while something is erased misses nothing that stays, and sees nothing again that was gone',
    async (t) => {
      const { payloads } = await freshStore(t, open)
      const entries = Array.from({ length: 8 }, (_, n) => entry(`${n}`, `"${`${n}`.repeat(100_000)}"`))
      const stays = entry('stays', 'x'.repeat(2 * 1024 * 1024))
      await payloads.put(contract, group, [...entries, stays])
      let isOver = false
      const readings = reading(payloads, refsTo([...entries, stays]), () => isOver)
      for (const one of entries) await payloads.erase(contract, refsTo([one]))
      isOver = true
      let before = entries.length
      for (const seals of await readings) {
        t.ok(seals.has(stays.seal))
        const left = entries.filter(({ seal }) => seals.has(seal))
        t.same(left, entries.slice(entries.length - left.length), 'erased in order')
        t.ok(left.length <= before)
        before = left.length
      }
    },
  )

  t.test('what the port rules out is a fault of the caller', async (t) => {
    const { payloads } = await freshStore(t, open)
    const one = entry('one', JSON.parse('"\\udc00"') as string)
    await t.rejects(payloads.put(contract, group, [one]), AssertionFailed)
    for (const name of ['', 'ana', 'ana.', 'ana.01', 'ana.-1', 'Ana.1', 'computed', 'computed-x', 'ana.1.2', 'a b.1']) {
      await t.rejects(payloads.put(contract, name as PayloadGroup, [entry('one')]), AssertionFailed, name)
    }
  })
}

/** What is held each time, until it is over. */
async function reading(payloads: PayloadStore, refs: readonly PayloadRef[], isOver: () => boolean) {
  const readings: Set<Hash>[] = []
  do {
    readings.push(new Set((await payloads.get(contract, refs)).keys()))
    await new Promise((resolve) => setImmediate(resolve))
  } while (!isOver())
  return readings
}
