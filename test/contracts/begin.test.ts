import t from 'tap'
import { Contracts } from '../../src/contracts/contracts.ts'
import { memoryGuard } from '../../src/contracts/guard.ts'
import { generateKeyPair } from '../../src/crypto/ed25519.ts'
import { keySigner } from '../../src/crypto/signer.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openMemoryStore } from '../../src/store/memory-store.ts'
import { foundedBy } from '../support/uid.ts'

async function party(handle: string) {
  const signer = keySigner(generateKeyPair().privateKey)
  const keys = { signing: signer.publicKey, recovery: generateKeyPair().publicKey }
  const store = openMemoryStore()
  const card = { handle: handle as Handle, did: `did:web:${handle}.example`, name: handle, keys }
  let requests = 0
  const contracts = await Contracts.open({
    store,
    signer,
    guard: memoryGuard(),
    clock: systemClock,
    random: systemRandom,
    card,
    uidOf: (n) => foundedBy(card, n),
    newRequestId: () => `${handle}-${requests++}`,
  })
  t.teardown(async () => {
    await contracts.close()
    await store.close()
  })
  return contracts
}

t.test(
  'a party that sends contracts to which nobody has invited us fills nothing, and stands in nobody’s way',
  async (t) => {
    const [mallory, ana, ben] = [await party('mallory'), await party('ana'), await party('ben')]
    let taken = 0
    for (let n = 0; n < 50; n++) {
      const { contract, opened } = await mallory.openContract(`junk ${n}`)
      await opened
      const statements = [...contract.state.feeds.values()].flatMap((feed) => [...feed])
      if (!(await ben.begin(contract.contract, statements, mallory.self))) continue
      taken++
      await ben.use(contract.contract, (live) => live.deliver(statements))
    }
    t.equal(taken, 32)
    const { contract, opened } = await ana.openContract('honest')
    await opened
    const statements = [...contract.state.feeds.values()].flatMap((feed) => [...feed])
    t.ok(await ben.begin(contract.contract, statements, ana.self), 'another party’s are taken')
    const [first] = [...ben.uids()] as [Uid]
    t.ok(await ben.begin(first, statements, mallory.self), 'and what is known stays known')
  },
)
