import { membersOf } from '../../src/aggregates/contract/state.ts'
import { lackingIn } from '../../src/agreement/completing.ts'
import { takesLostValue } from '../../src/agreement/confirmable.ts'
import { feedOf, firstCovering, saidToHold } from '../../src/agreement/feeds.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import { lackedIn } from '../../src/agreement/values/lacked-values.ts'
import { covers } from '../../src/agreement/version-vector.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { type Handle, type RequestRef, requestKey } from '../../src/events/ids.ts'
import type { Refusal } from '../../src/events/statement.ts'
import { refsIn } from '../../src/store/payload-group.ts'
import { fullState } from '../support/full-state.ts'
import type { HostileMember } from './hostile.ts'
import type { Mangle } from './network.ts'
import { Violation } from './oracle.ts'
import type { Run } from './run.ts'
import type { SeededRandom } from './seeded-random.ts'

/** How often what a statement seals gets lost on the way, and how often something else takes its place. */
export interface ValueLoss {
  readonly loss: number
  readonly forgery: number
}

/**
 * As if whoever passes statements on kept values back, or sent false ones: a statement comes without, an entry without what rules
 * have computed in it, payloads alone not at all. TLS sees to it that nobody else can; which of the two ends it is makes no difference to what must hold.
 */
export function losingValues(random: SeededRandom, { loss, forgery }: ValueLoss): Mangle {
  return (text) =>
    text
      .split('\n')
      .flatMap((line) => {
        if (line.startsWith('{"computed":{"')) return [random.chance(loss) ? withoutComputed(line) : line]
        if (!hasPayloads(line)) return [line]
        if (random.chance(forgery)) return [withOtherValues(line)]
        if (!random.chance(loss)) return [line]
        return line.startsWith('{"contract"') ? [] : [withoutPayloads(line)]
      })
      .join('\n')
}

function hasPayloads(line: string): boolean {
  return line.startsWith('{"payloads":{"') || /^\{"contract":"[^"]*","party"/.test(line)
}

/** Of an entry's line. */
function withoutComputed(line: string): string {
  return `{"computed":{}${line.slice(line.indexOf(',"entry":'))}`
}

/** Of a statement's line. */
export function withoutPayloads(line: string): string {
  const { payloads: _payloads, ...rest } = JSON.parse(line) as { payloads: object; signature: string }
  const statement = line.slice(line.indexOf(`,"signature":"${rest.signature}","statement":`))
  return `{"payloads":{}${statement}`
}

/** Of a line of either kind. */
export function withOtherValues(line: string): string {
  return line.replace(/"salt":"(.)/, (_, first) => `"salt":"${first === 'A' ? 'B' : 'A'}`)
}

/** What a party refuses that covers all that it holds, and lacks values of it. */
export function refusalsForWant(state: AgreementState, party: Handle): Refusal[] {
  const past = saidToHold(state.feeds, party)
  return lackingIn(state).flatMap((held): Refusal[] => {
    const { party: author, requests, seq } = held.statement
    if (author === party || covers(past, author, seq)) return []
    return [...requests.entries()]
      .filter(([, request]) => lackedIn(held, request).length > 0)
      .map(([index]) => ({ code: 'payload_missing', request: { handle: author, index, seq } }))
  })
}

/**
 * Whether nobody can go on, since a value is gone that every member has said to have: its author's disk was set back, and the only
 * other member is a liar that has acknowledged it and never had it. What its author could still withdraw is not like that.
 */
export async function isStoppedForGood(run: Run): Promise<boolean> {
  const { hostile, wasSetBack } = run
  if (hostile === undefined || !wasSetBack) return false
  for (const machine of run.machines) {
    const { handle } = machine
    const live = await machine.author(run.contract)
    if (live === undefined) continue
    const state = fullState(live.state)
    const { ledger, feeds, undecided } = state
    const others = membersOf(ledger.document).filter(({ card }) => card.handle !== handle)
    if (others.some(({ card }) => card.handle !== hostile.handle)) continue
    for (const held of lackingIn(state)) {
      const { party, requests, seq } = held.statement
      if (party !== handle || firstCovering(feedOf(feeds, hostile.handle), party, seq) === undefined) continue
      for (const [index, request] of requests.entries()) {
        const ref: RequestRef = { handle: party, index, seq }
        if (undecided.has(requestKey(ref)) || !takesLostValue(state, held, ref)) continue
        if (!(await isGone(run, hostile, ref, lackedIn(held, request)))) continue
        if (live.obstacle !== 'values_missing')
          throw new Violation(`${handle} does not say that it lacks a value for good`)
        run.count('stopped for good')
        return true
      }
    }
  }
  return false
}

/** One of these values nobody has. */
async function isGone(run: Run, { given }: HostileMember, { handle, seq }: RequestRef, seals: readonly Hash[]) {
  const left = new Set(seals.filter((seal) => !given.has(`${handle}.${seq} ${seal}`)))
  for (const { disk } of run.machines) {
    const refs = refsIn(
      handle,
      [...left].map((seal) => ({ seal, seq })),
    )
    for (const seal of (await disk.payloads.get(run.contract, refs)).keys()) left.delete(seal as Hash)
  }
  return left.size > 0
}
