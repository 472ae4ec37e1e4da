import type { Test } from 'tap'
import type { Hash } from '../../../src/crypto/hash.ts'
import { SIGNED_CHARACTERS_MAX } from '../../../src/events/limits.ts'
import { AssertionFailed } from '../../../src/runtime/assert.ts'
import type { OpenStore } from '../event-store-conformance.ts'
import { contract, freshStore, otherContract, sealNamed } from './harness.ts'

const entry = (name: string, text = `{"salt":"","value":"${name}"}`) => ({ seal: sealNamed(name), text })

export async function payloads(t: Test, open: OpenStore): Promise<void> {
  t.test('what was put is got by its seal, and what was not is left out', async (t) => {
    const { payloads } = await freshStore(t, open)
    const [one, two, three] = [entry('one'), entry('two', '"😀 \u0000"'), entry('three')]
    await payloads.put(contract, [one, two])
    await payloads.put(contract, [three])
    const held = await payloads.get(contract, [three.seal, sealNamed('unknown'), two.seal, two.seal])
    t.same(
      [...held].sort(),
      [
        [two.seal, two.text],
        [three.seal, three.text],
      ].sort(),
    )
    t.same(await payloads.get(contract, []), new Map())
  })

  t.test('each contract has its own', async (t) => {
    const { payloads } = await freshStore(t, open)
    const one = entry('one')
    await payloads.put(contract, [one])
    t.same(await payloads.get(otherContract, [one.seal]), new Map())
    await payloads.put(otherContract, [one])
    await payloads.erase(contract, [one.seal])
    t.same(await payloads.get(otherContract, [one.seal]), new Map([[one.seal, one.text]]))
  })

  t.test('seals that begin alike are told apart', async (t) => {
    const { payloads } = await freshStore(t, open)
    const alike = ['0', '1', '2'].map((last) => ({ seal: `${'a'.repeat(63)}${last}` as Hash, text: `"${last}"` }))
    const [zero, one, two] = alike
    if (zero === undefined || one === undefined || two === undefined) return
    await payloads.put(contract, [zero, one])
    await payloads.put(contract, alike)
    t.equal((await payloads.get(contract, [one.seal])).get(one.seal), '"1"')
    await payloads.erase(contract, [one.seal])
    const held = await payloads.get(contract, [zero.seal, one.seal, two.seal])
    t.same([...held.values()].sort(), ['"0"', '"2"'])
  })

  t.test('to put again changes nothing; what was erased may be put anew', async (t) => {
    const { payloads } = await freshStore(t, open)
    const [one, two] = [entry('one'), entry('two')]
    await payloads.put(contract, [one, two, one])
    await payloads.put(contract, [one])
    await payloads.erase(contract, [one.seal, sealNamed('unknown')])
    await payloads.erase(contract, [one.seal])
    t.same(await payloads.get(contract, [one.seal, two.seal]), new Map([[two.seal, two.text]]))
    await payloads.put(contract, [one])
    t.equal((await payloads.get(contract, [one.seal])).get(one.seal), one.text)
  })

  t.test('there may be many, and large ones', async (t) => {
    const { payloads } = await freshStore(t, open)
    const entries = Array.from({ length: 1_000 }, (_, index) => entry(`${index}`))
    entries.push(entry('large', `"${'x'.repeat(400_000)}"`))
    await payloads.put(contract, entries)
    const held = await payloads.get(
      contract,
      entries.map(({ seal }) => seal),
    )
    t.equal(held.size, 1_001)
    t.ok(entries.every(({ seal, text }) => held.get(seal) === text))
  })

  t.test('there may be some that are larger than one append takes, up to the largest of the protocol', async (t) => {
    const { payloads } = await freshStore(t, open)
    const pair = '😀'
    const entries = [
      entry('3 MiB', 'x'.repeat(3 * 1024 * 1024)),
      // A line has so many characters at most, of which none takes more bytes; cut anywhere, pairs would be cut as well.
      entry('largest', 'あ'.repeat(SIGNED_CHARACTERS_MAX)),
      entry('pairs', pair.repeat(600_000)),
      entry('pairs aside', `x${pair.repeat(600_000)}`),
      entry('small', 'x'),
    ]
    await payloads.put(contract, entries)
    await payloads.put(contract, entries)
    const seals = entries.map(({ seal }) => seal)
    const held = await payloads.get(contract, seals)
    for (const { seal, text } of entries) t.ok(held.get(seal) === text, `${text.length} characters`)
    await payloads.erase(contract, seals)
    t.equal((await payloads.get(contract, seals)).size, 0)
    await payloads.put(contract, entries.slice(0, 1))
    t.equal((await payloads.get(contract, seals)).get(seals[0] as Hash)?.length, 3 * 1024 * 1024)
  })

  t.test('of several who put the same large text at once all end well', async (t) => {
    const { payloads } = await freshStore(t, open)
    const large = entry('large', 'あ'.repeat(1024 * 1024))
    await Promise.all(Array.from({ length: 4 }, () => payloads.put(contract, [large])))
    t.ok((await payloads.get(contract, [large.seal])).get(large.seal) === large.text)
  })

  t.test('a text that is not Unicode is a fault of the caller', async (t) => {
    const { payloads } = await freshStore(t, open)
    const one = entry('one', JSON.parse('"\\udc00"') as string)
    await t.rejects(payloads.put(contract, [one]), AssertionFailed)
  })
}
