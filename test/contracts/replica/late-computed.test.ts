import t from 'tap'
import { emptyAgreement } from '../../../src/agreement/state.ts'
import { type KnownEntry, WANTED_COMPUTED_MAX } from '../../../src/agreement/values/known-entries.ts'
import type { ContractView } from '../../../src/contracts/contract-view.ts'
import { LateComputed } from '../../../src/contracts/replica/inbound/late-computed.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import type { Uid } from '../../../src/events/ids.ts'
import type { LedgerEntry } from '../../../src/events/ledger-entry.ts'
import { seal } from '../../../src/events/seal.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { computedGroup } from '../../../src/store/payload-group.ts'

const CONTRACT = '0'.repeat(52) as Uid

function sealedAt(index: number) {
  const { payload, seal: sealed } = seal(`computed in ${index}`, new Uint8Array(16))
  const entry = { index, events: [{ type: 'ValueComputed', seal: sealed }] } as unknown as LedgerEntry
  return { entry, payload, sealed }
}

type Sealed = ReturnType<typeof sealedAt>

function given(count: number) {
  const { payloads } = openMemoryStore()
  let erased: readonly Hash[] = []
  let [changes, looks] = [0, 0]
  const empty = emptyAgreement(CONTRACT)
  const view = {
    contract: CONTRACT,
    get state() {
      const erasures = {
        ...empty.ledger.document.erasures,
        get erased() {
          looks++
          return erased
        },
      }
      const document = { ...empty.ledger.document, erasures }
      return { ...empty, ledger: { ...empty.ledger, document } }
    },
  } as unknown as ContractView
  const all = Array.from({ length: count }, (_, index) => sealedAt(index))
  const late = new LateComputed(view, payloads, new Map(), () => changes++)
  late.took(all.map(({ entry }) => ({ computed: new Map(), entry, members: [], text: '' }) as never))
  const comes = (...indices: readonly number[]) =>
    late.arrived(
      indices.map((index): KnownEntry => {
        const { entry, payload, sealed } = all[index] ?? sealedAt(index)
        return { computed: new Map([[sealed, payload]]), entry }
      }),
    )
  const holds = async (index: number) => {
    const { sealed } = all[index] ?? sealedAt(index)
    return (await payloads.get(CONTRACT, [{ group: computedGroup(index), seal: sealed }])).size === 1
  }
  return {
    all,
    late,
    comes,
    holds,
    payloads,
    erase: (...indices: readonly number[]) => {
      erased = indices.map((index) => all[index]?.sealed as Hash)
    },
    changes: () => changes,
    looks: () => looks,
  }
}

t.test('what was computed and did not come with its entry is asked for until it comes, and kept once', async (t) => {
  const { changes, comes, holds, late } = given(3)
  t.same(late.wanted, [0, 1, 2])
  await Promise.all([comes(1), comes(1)])
  t.same(late.wanted, [0, 2])
  t.ok(await holds(1))
  t.equal(changes(), 1)
})

t.test('what nobody lacks is not kept', async (t) => {
  const { comes, holds, late } = given(1)
  await comes(7)
  t.notOk(await holds(7))
  t.same(late.wanted, [0])
})

t.test('what is erased is not asked for, and not kept, though it comes', async (t) => {
  const { comes, erase, holds, late, payloads } = given(2)
  erase(0)
  t.same(late.wanted, [1])
  await comes(0)
  t.notOk(await holds(0))
  const put = payloads.put.bind(payloads)
  payloads.put = async (...what) => {
    erase(0, 1)
    await put(...what)
  }
  await comes(1)
  t.notOk(await holds(1), 'erased while it was written')
  t.same(late.wanted, [])
})

t.test('it is looked for in what is erased once, and again where that has changed', async (t) => {
  const { erase, late, looks } = given(100)
  t.equal(late.wanted.length, WANTED_COMPUTED_MAX)
  const before = looks()
  for (let turn = 0; turn < 5; turn++) t.equal(late.wanted[0], 0)
  t.ok(looks() - before <= 5, `${looks() - before} looks`)
  erase(0)
  t.equal(late.wanted[0], 1)
})

t.test('what the store has not taken is asked for again', async (t) => {
  const { comes, late, payloads } = given(1)
  payloads.put = () => Promise.reject(new Error('the disk is full'))
  await t.rejects(comes(0), /the disk is full/)
  t.same(late.wanted, [0])
})

t.test('what another process of the party has got meanwhile is not asked for any more', async (t) => {
  const { all, changes, late, payloads } = given(3)
  const [, { payload, sealed }] = all as [Sealed, Sealed]
  await late.look()
  t.same([late.wanted, changes()], [[0, 1, 2], 0])
  await payloads.put(CONTRACT, computedGroup(1), [{ seal: sealed, text: canonicalJson(payload) }])
  await late.look()
  t.same([late.wanted, changes()], [[0, 2], 1])
})

t.test('where the store has not taken one of two of an entry, that one alone is asked for again', async (t) => {
  const { all, late, payloads } = given(2)
  const [one, other] = all as [Sealed, Sealed]
  late.reset(new Map([[0, new Set([one.sealed, other.sealed])]]))
  const put = payloads.put.bind(payloads)
  const failed = Promise.withResolvers<void>()
  payloads.put = () => failed.promise
  const brings = ({ payload, sealed }: Sealed) =>
    late.arrived([{ computed: new Map([[sealed, payload]]), entry: one.entry }])
  const first = brings(one)
  payloads.put = put
  await brings(other)
  failed.reject(new Error('the disk is full'))
  await t.rejects(first, /the disk is full/)
  await payloads.put(CONTRACT, computedGroup(0), [{ seal: one.sealed, text: canonicalJson(one.payload) }])
  await late.look()
  t.same(late.wanted, [], 'nothing else was')
})

t.test('what only a false entry says that was computed is not asked for any more', async (t) => {
  const { late } = given(4)
  late.forgetFrom(2)
  t.same(late.wanted, [0, 1])
  const { entry, payload, sealed } = sealedAt(7)
  const computed = new Map([[sealed, payload]])
  late.took([{ computed, entry: { ...entry, index: 1 }, members: [], text: '' } as never])
  t.same(late.wanted, [0], 'the true one has come with all of it')
})

t.test('what never comes does not keep the rest from being asked for', async (t) => {
  const { late } = given(WANTED_COMPUTED_MAX + 2)
  t.equal(late.wanted.at(-1), WANTED_COMPUTED_MAX - 1)
  late.askNext()
  t.same(late.wanted, [WANTED_COMPUTED_MAX, WANTED_COMPUTED_MAX + 1])
  late.askNext()
  t.equal(late.wanted[0], 0)
})
