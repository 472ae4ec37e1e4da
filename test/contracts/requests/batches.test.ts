import fc from 'fast-check'
import t from 'tap'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { type Intent, Submission } from '../../../src/contracts/requests/submission.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { seal, sealOf } from '../../../src/events/seal.ts'
import type { Payloads, Request } from '../../../src/events/statement.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'

t.setTimeout(240_000)

let count = 0
/** Adds a field with a value: nobody has anything against it. */
function good(): Intent {
  const id = `good-${count++}`
  const sealed = seal('a value', systemRandom.bytes(16))
  const commands = [
    { type: 'AddField', parent: '0', name: id, field: { type: 'text' } },
    { type: 'ProposeValue', field: '#0', seal: sealed.seal, basis: [] },
  ]
  return { request: { id, commands, tentative: true }, payloads: { [sealed.seal]: sealed.payload } }
}

/** What no program that keeps to the types sends: values that JSON loses, seals of something else, forms of their own. */
const badValue = fc.oneof(
  fc.constantFrom(undefined, Number.NaN, Number.POSITIVE_INFINITY, 1n, Symbol('x'), () => 1, new Date(0), new Map()),
  fc.constantFrom('\ud800', { '\udc00': 1 }, [undefined], { lost: undefined }, { toJSON: () => 'x' }),
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true }),
)
/** Sealed as it is, where it can be: what no writer of seals refuses is the most dangerous. */
function sealedAsItIs(value: unknown): Intent {
  const { request } = good()
  const payload = { salt: 'AAAAAAAAAAAAAAAAAAAAAA', value }
  try {
    const sealed = sealOf(payload)
    const command = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }
    return { request: { ...request, commands: [command] }, payloads: { [sealed]: payload } }
  } catch {
    return { request, payloads: { ['0'.repeat(64)]: payload } as Payloads }
  }
}

const bad = fc.oneof(
  { weight: 3, arbitrary: badValue.map(sealedAsItIs) },
  badValue.map((value): Intent => {
    const { request, payloads } = good()
    const [[name = '', payload] = []] = Object.entries(payloads)
    return { request, payloads: { [name]: { ...payload, value } } as Payloads }
  }),
  badValue.map((value): Intent => ({ ...good(), payloads: value as Payloads })),
  badValue.map(
    (value): Intent => ({ ...good(), request: { ...good().request, commands: value } as unknown as Request }),
  ),
  badValue.map((value): Intent => {
    const { request, payloads } = good()
    return { request: { ...request, commands: [...request.commands, value] } as Request, payloads }
  }),
  badValue.map((value): Intent => ({ ...good(), request: { ...good().request, more: value } as Request })),
  fc.integer({ min: 33, max: 60 }).map((depth): Intent => {
    let value: unknown = 'deep'
    for (let at = 0; at < depth; at++) value = [value]
    return { request: { id: 'deep', commands: [{ type: 'AddField', value } as never] }, payloads: {} }
  }),
)
const batch = fc.array(fc.oneof(bad, fc.constant('good' as const)), { minLength: 2, maxLength: 12 })

/** Submits all of them in one turn of the event loop, as many clients at once do. What has become of the good ones. */
async function submitAll(
  live: LiveContract,
  intents: readonly (Intent | 'good')[],
  submit: (intent: Intent) => Submission,
) {
  const verdicts: Promise<unknown>[] = []
  for (const intent of intents) {
    try {
      const { verdict } = submit(intent === 'good' ? good() : intent)
      if (intent === 'good') verdicts.push(verdict)
      else verdict.catch(() => {})
    } catch (error) {
      if (intent === 'good') throw error
    }
  }
  live.wake()
  return Promise.all(verdicts)
}

t.test('whatever is asked for beside them, good requests are agreed, and nothing fails', async (t) => {
  const ana = new EdgelessParty(t)
  const { contracts } = await ana.start()
  const { contract: live, opened } = await contracts.openContract('of one party')
  await opened
  const failures: unknown[] = []
  live.listen({ failed: (_, error) => failures.push(error) })
  await fc.assert(
    fc.asyncProperty(batch, async (intents) => {
      for (const verdict of await submitAll(live, intents, (intent) => live.submit(intent)))
        t.match(verdict, { kind: 'settled', outcome: { kind: 'accepted' } })
    }),
    { numRuns: 150, seed: 20261128 },
  )
  t.same([...ana.told, ...failures], [], 'bad ones were refused before the turn')
})

t.test('what nobody foresaw and only the whole statement shows, comes to nothing alone', async (t) => {
  const ana = new EdgelessParty(t)
  const { contracts } = await ana.start()
  const { contract: live, opened } = await contracts.openContract('of one party')
  await opened
  /** Past all that looks at it before. */
  const slip = (intent: Intent) => {
    const submission = new Submission(intent)
    live.requests.queue.add(submission)
    return submission
  }
  const broken = (): Intent => {
    const { request, payloads } = good()
    const [[name = '', payload] = []] = Object.entries(payloads)
    return { request, payloads: { [name as Hash]: { ...payload, value: 'another' } } as Payloads }
  }
  const bads = [broken(), broken()].map(slip)
  const verdicts = await submitAll(
    live,
    Array.from({ length: 8 }, () => 'good' as const),
    slip,
  )
  t.equal(verdicts.length, 8)
  for (const verdict of verdicts) t.match(verdict, { kind: 'settled', outcome: { kind: 'accepted' } })
  for (const { verdict } of bads) await t.rejects(verdict, { code: 'payload_mismatch' })
})

t.test('what does not go together goes one after another', async (t) => {
  const ana = new EdgelessParty(t)
  const { contracts } = await ana.start()
  const { contract: live, opened } = await contracts.openContract('of one party')
  await opened
  const { statementBytes } = live.state.ledger.document.limits
  /** Larger than whoever fills statements believes. */
  const large = () => {
    const command = { type: 'Padded', text: 'x'.repeat(statementBytes * 0.4) }
    const submission = new Submission({ request: { id: `large-${count++}`, commands: [command] }, payloads: {} })
    Object.defineProperty(submission, 'requestBytes', { value: 1 })
    live.requests.queue.add(submission)
    return submission
  }
  const all = [large(), large(), large()]
  const [{ verdict }] = await Promise.all([live.submit(good()), ...all.map(({ verdict }) => verdict)])
  t.match(await verdict, { kind: 'settled', outcome: { kind: 'accepted' } })
  const places = await Promise.all(all.map(({ signed }) => signed))
  t.equal(new Set(places.map(({ seq }) => seq)).size, 3, 'each has a statement of its own')
})
