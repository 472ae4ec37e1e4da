import t, { type Test } from 'tap'
import type { OtherBranch } from '../../../src/agreement/reception.ts'
import { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { DoubleSignProtection } from '../../../src/contracts/signing/double-sign-protection.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import type { Handle } from '../../../src/events/ids.ts'
import { decodeSigned } from '../../../src/events/statement-codec.ts'
import { watch } from '../../../src/node/observability/log-events.ts'
import { openLogger } from '../../../src/node/observability/logging.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { allOf, CONTRACT, market, type Player } from '../../support/market.ts'

interface Line {
  readonly level: number
  readonly msg: string
  readonly [member: string]: unknown
}

/** Ana's node, and what it logs from warnings up. */
async function nodeOf(t: Test, ana: Player) {
  const guard = memoryGuard()
  await (await DoubleSignProtection.open(ana.state, ana.handle, guard, true)).advance(ana.state)
  const ports = { store: openMemoryStore(), clock: systemClock, random: systemRandom, guard }
  const live = await LiveContract.open(CONTRACT, ana.handle, ana.handle, {
    ...ports,
    signer: keySigner(ana.privateKey),
  })
  t.teardown(() => live.close())
  const lines: Line[] = []
  const logger = openLogger({ logLevel: 'warn' }, {}, { write: (line) => void lines.push(JSON.parse(line)) })
  watch({ listen: (listener) => live.listen(listener) }, logger)
  await live.deliver(allOf(ana))
  return { live, lines }
}

/** Ben signs two statements for one place of his feed: ana's node holds the one, cleo, who is honest, the other. */
async function forked(t: Test) {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const [one, other] = ben.forks()
  cleo.hears(other)
  const relayed = cleo.says()
  const { live, lines } = await nodeOf(t, ana)
  await live.deliver([one])
  return { ben, cleo, one, other, relayed, live, lines }
}

t.test('a fork is said once, and names who signed both, however often an honest member relays it', async (t) => {
  const { other, relayed, live, lines } = await forked(t)
  for (let again = 0; again < 3; again++) await live.deliver([relayed, other])
  t.match(lines, [{ msg: 'a party signed two different statements for one place of its feed', party: 'ben' }])
  t.equal(lines.length, 1)
  t.notMatch(JSON.stringify(lines), 'cleo')
})

t.test(
  'as long as nobody shows the second statement, a member that covers it is named once, and as no culprit',
  async (t) => {
    const { other, relayed, live, lines } = await forked(t)
    for (let again = 0; again < 3; again++) await live.deliver([relayed])
    t.equal(lines.length, 1)
    t.match(lines, [{ level: 40, signer: 'cleo', party: 'ben' }])
    t.match(live.unprovenForks, [{ signer: 'cleo', party: 'ben' }] as unknown as OtherBranch[])
    await live.deliver([other])
    t.match(lines.slice(1), [{ level: 50, party: 'ben' }])
    t.same(live.unprovenForks, [], 'the proof takes its place')
    await live.deliver([relayed])
    t.equal(lines.length, 2)
  },
)

t.test('what nobody has signed accuses nobody', async (t) => {
  const { relayed, live, lines } = await forked(t)
  await live.deliver([{ ...relayed, signature: `ed25519:${'A'.repeat(85)}Q` }])
  t.same(lines, [])
  t.same(live.unprovenForks, [])
  await live.deliver([relayed])
  t.equal(lines.length, 1, 'nor does it take the place of what is signed')
})

t.test('members named by handle stay few: of each the first', async (t) => {
  const { cleo, relayed, live, lines } = await forked(t)
  await live.deliver([relayed])
  for (let hash = 0; hash < 20; hash++) {
    const text = cleo.forges(relayed, (statement) => {
      statement.seen = { ben: { ...(statement.seen as { ben: object }).ben, hash: `${hash}`.padStart(64, '0') } }
    })
    await live.deliver([decodeSigned(text)])
  }
  t.equal(lines.length, 1)
  t.equal(live.unprovenForks.length, 1)
  t.equal((live.unprovenForks[0] as OtherBranch).signer, 'cleo' as Handle)
})
