import t, { type Test } from 'tap'
import { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { RoomAsked } from '../../../src/contracts/requests/request-budget.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { fullState } from '../../support/full-state.ts'
import { allOf, contractFoundedBy, marketOf, Player } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'

const KILO = 1024
const BEN = 'ben' as Handle

/** Ana's node in the n-th contract with ben, who says nothing unless he is made to. */
async function anaAndBen(t: Test, roomAsked: RoomAsked, n = 0) {
  const uid: Uid = contractFoundedBy('ana', n)
  const [ana, ben] = marketOf([new Player('ana', undefined, uid), new Player('ben', undefined, uid)]) as [
    Player,
    Player,
  ]
  const live = await LiveContract.open(uid, ana.handle, ana.handle, {
    store: openMemoryStore(),
    clock: systemClock,
    random: systemRandom,
    signer: keySigner(ana.privateKey),
    roomAsked,
  })
  t.teardown(() => live.close())
  await live.deliver(allOf(ana))
  live.goOn()
  return { live, ben }
}

function renames({ live }: { live: LiveContract }, id: string) {
  const command = { type: 'RenameElement', element: '0.0', name: id.padEnd(90, 'x') }
  return live.submit({ request: { id, commands: [command] }, payloads: {} })
}

t.test('what nobody agrees to takes only so much memory, and whoever asks for more is told', async (t) => {
  const room = new RoomAsked(64 * KILO, 32 * KILO)
  const [one, other, third] = [await anaAndBen(t, room, 1), await anaAndBen(t, room, 2), await anaAndBen(t, room, 3)]
  const fill = (contract: typeof one) => {
    let taken = 0
    try {
      for (; taken < 100; taken++) renames(contract, `r${taken}`)
    } catch (error) {
      t.match(error, { code: 'requests_too_many', evidence: { bytesMax: Number } })
    }
    return taken
  }
  const taken = fill(one)
  t.ok(taken > 5 && taken < (32 * KILO) / 2_048)
  t.ok(room.bytes <= 32 * KILO, 'one contract does not take all of it')
  t.equal(fill(other), taken)
  t.ok(room.bytes <= 64 * KILO)
  t.ok(fill(third) < taken, 'and all together no more than there is')
  t.ok(room.bytes <= 64 * KILO)

  await until('ana to have signed', async () => one.live.requests.queue.length === 0)
  one.ben.hears(...[...fullState(one.live.state).feeds.values()].flatMap((feed) => [...feed]))
  await one.live.deliver([one.ben.says()])
  await until('room again', async () => room.bytes <= 32 * KILO + 4 * KILO)
  t.doesNotThrow(() => renames(one, 'again'))
})

t.test('one request is taken however large it is, and what fails leaves room', async (t) => {
  const room = new RoomAsked(1, 1)
  const { live } = await anaAndBen(t, room)
  const { verdict } = renames({ live }, 'large')
  t.ok(room.bytes > 1)
  t.throws(() => renames({ live }, 'another'), { code: 'requests_too_many' })
  t.ok(live.state.feeds.has(BEN))
  await live.close()
  await t.rejects(verdict, { code: 'contract_closed' })
  t.equal(room.bytes, 0)
})
