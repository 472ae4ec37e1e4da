import assert from 'node:assert/strict'
import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import { AuditFailed } from '../../src/audit/audit-failed.ts'
import { verifyContract } from '../../src/audit/verify.ts'
import type { KeyChanging } from '../../src/contracts/commands/key-changing.ts'
import { done, queued } from '../../src/contracts/commands/queued-command.ts'
import { CommandWorker, doneSoFar } from '../../src/contracts/processes/command-worker.ts'
import type { Contracts } from '../../src/contracts/registry/contracts.ts'
import { FeedTailer } from '../../src/contracts/replica/inbound/feed-tailer.ts'
import { writesFor } from '../../src/contracts/replica/journal.ts'
import { loadContract, recallHistory } from '../../src/contracts/replica/opening/load.ts'
import { encodeStored } from '../../src/events/statement-codec.ts'
import { openMemoryStore } from '../../src/store/embedded/memory-store.ts'
import { feedStream, OUTBOX_STREAM } from '../../src/store/streams.ts'
import { settleMicrotasks, VirtualClock } from '../simulation/virtual-clock.ts'
import { allOf, CONTRACT, Player } from './market.ts'
import { reading } from './reading-store.ts'

/**
 * long-feed.ts loading|command-queue: what is longer than the arguments of a call may be is worked with all the same. To be run with
 * `--stack-size=100`: with so small a stack these may be some 13,000 in place of 125,000.
 */
const LONG = 14_000

assert.throws(() => Math.min(...Array.from({ length: LONG }, (_, index) => index)), RangeError)

/** Its second statement stands there many times, which is cheaper than a feed so long. */
async function loading(): Promise<void> {
  const ana = new Player('ana')
  ana.requests(ana.opening())
  const second = ana.says()
  const before = emptyAgreement(CONTRACT)
  const { state, taken, settled } = receive(before, allOf(ana))
  const store = openMemoryStore()
  const { events } = store
  await store.write(writesFor({ before, held: taken, settled, equivocations: [], divergences: [] }))
  const long = reading(store, async function* (stream, read) {
    for await (const event of read) {
      const isLong = stream === feedStream(CONTRACT, ana.handle) && event.revision === 1
      for (let n = 0; n < (isLong ? LONG : 1); n++) yield event
    }
  })
  assert.equal((await loadContract(long, CONTRACT, ana.handle)).state.feeds.get(ana.handle)?.size, 2)
  await recallHistory(long, state)
  const following = new FeedTailer(long, ana.handle)
  following.hears(ana.handle)
  assert.equal((await following.read(before))?.taken.length, 2)
  await assert.rejects(
    verifyContract({
      contract: CONTRACT,
      founder: ana.handle,
      async *feed() {
        for (let revision = 0; revision < LONG; revision++) {
          const text = second.text.replace('"seq":1', `"seq":${revision}`)
          yield { type: 'StatementMade', data: encodeStored(text, second.signature), revision }
        }
      },
      ledger: () => events.read('none'),
      evidence: () => events.read('none'),
      isAtomic: true,
      payloads: async () => new Map(),
      async *groups() {},
    }),
    AuditFailed,
  )
}

async function requestQueue(): Promise<void> {
  const { events } = openMemoryStore()
  const asks = Array.from({ length: LONG }, (_, n) => queued({ id: `${n}`, contract: null, ask: { kind: 'keys' } }))
  await events.append(OUTBOX_STREAM, 'any', asks)
  await events.append(OUTBOX_STREAM, 'any', [done({ id: '0', contract: null, result: null })])
  const clock = new VirtualClock()
  const never = { show: () => new Promise<never>(() => {}) }
  await CommandWorker.open(
    {
      contracts: {} as Contracts,
      events,
      clock,
      keys: never as unknown as KeyChanging,
      self: 'transmit',
      failed: (error) => assert.fail(String(error)),
    },
    await events.lastPosition(),
  )
  await clock.runUntil(clock.now() + 2_000)
  await settleMicrotasks()
  assert.equal(await doneSoFar(events), 0)
}

await (process.argv[2] === 'command-queue' ? requestQueue() : loading())
