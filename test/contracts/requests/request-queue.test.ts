import { rejects } from 'node:assert/strict'
import t from 'tap'
import { emptyAgreement } from '../../../src/agreement/state.ts'
import { RequestQueue } from '../../../src/contracts/requests/request-queue.ts'
import { requestBytesMax } from '../../../src/contracts/requests/statement-budget.ts'
import { Submission } from '../../../src/contracts/requests/submission.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import { defaultLimits } from '../../../src/events/limits.ts'
import { seal } from '../../../src/events/seal.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'

const ana = 'ana' as Handle
const state = emptyAgreement('0000000000000000000000000000000000000000000000000001' as Uid)

/** One that a lock has made void, and the lock has ended: it is asked for again after a pause. */
function pausing() {
  const requestQueue = new RequestQueue(ana, new VirtualClock(), systemRandom)
  const command = { type: 'LockRecord' as const, purpose: 'other' }
  const submission = new Submission({ request: { id: 'lock', commands: [command] }, payloads: {}, retry: true })
  const request = { handle: ana, seq: 1, index: 0 }
  requestQueue.resume(submission, request, true)
  const outcome = { kind: 'void' as const, reason: { code: 'record_locked' as const, command: 0 } }
  const entry = { author: ana, events: [], request, index: 1, outcome }
  requestQueue.settled([{ entry }] as unknown as Parameters<RequestQueue['settled']>[0])
  const [taken] = requestQueue.takeLockedOut()
  return { requestQueue, submission, taken }
}

t.test('while a request pauses before it is made again somebody waits for it', async (t) => {
  const { requestQueue, submission, taken } = pausing()
  t.equal(taken, submission)
  t.equal(requestQueue.isIdle, false)
  requestQueue.addAgain(submission, state)
  t.equal(requestQueue.length, 1)
  t.equal(requestQueue.isIdle, false)
})

t.test('a request for which there is no room any more is given back, and the others go on', async (t) => {
  const requestQueue = new RequestQueue(ana, new VirtualClock(), systemRandom)
  const ask = (purpose: string) => {
    const command = { type: 'LockRecord', purpose }
    return new Submission({ request: { id: 'ask', commands: [command] }, payloads: {} })
  }
  const [small, large] = [ask('small'), ask('x'.repeat(requestBytesMax(state)))]
  for (const submission of [large, small]) requestQueue.add(submission)
  const narrow = {
    ...state,
    ledger: {
      ...state.ledger,
      document: { ...state.ledger.document, limits: { ...defaultLimits, statementBytes: 8192 } },
    },
  }
  const { wishes, isEmpty } = requestQueue.turn(narrow)
  t.equal(isEmpty, false)
  t.same(wishes.requests, [small.intent.request])
  await rejects(large.verdict, { code: 'request_too_large' })
  t.equal(requestQueue.length, 1)
})

t.test('large values are signed a few at a time, and what is larger than that alone', async (t) => {
  const requestQueue = new RequestQueue(ana, new VirtualClock(), systemRandom)
  for (const [n, characters] of [200_000, 200_000, 200_000, 2_000_000, 10, 10].entries()) {
    const { payload, seal: sealed } = seal('x'.repeat(characters), new Uint8Array(16).fill(n))
    const commands = [{ basis: [], field: '0.0', seal: sealed, type: 'ProposeValue' }]
    requestQueue.add(new Submission({ payloads: { [sealed]: payload }, request: { commands, id: `${n}` } }))
  }
  const together: string[][] = []
  for (let seq = 0; requestQueue.length > 0; seq++) {
    const turn = requestQueue.turn(state)
    together.push(turn.wishes.requests.map(({ id }) => id))
    turn.durable(seq)
  }
  t.same(together, [['0', '1'], ['2'], ['3'], ['4', '5']])
})

t.test('when the node stops in that pause whoever waits is told, and it is not made again', async (t) => {
  const { requestQueue, submission } = pausing()
  requestQueue.failAll(new Error('stopping'))
  await rejects(submission.verdict, /stopping/)
  requestQueue.addAgain(submission, state)
  t.equal(requestQueue.length, 0)
  t.equal(requestQueue.isIdle, true)
})
