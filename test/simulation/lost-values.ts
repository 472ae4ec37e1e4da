import { lackingIn } from '../../src/agreement/completing.ts'
import { saidToHold } from '../../src/agreement/feeds.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import { lackedIn } from '../../src/agreement/values/lacked-values.ts'
import { covers } from '../../src/agreement/version-vector.ts'
import type { Handle } from '../../src/events/ids.ts'
import type { Refusal } from '../../src/events/statement.ts'
import type { Mangle } from './network.ts'
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

/** Of a statement's line; what is none stays as it is. */
export function withoutPayloads(line: string): string {
  const signature = signatureIn(line)
  const statement = line.slice(line.indexOf(`,"signature":"${signature}","statement":`))
  return signature === undefined ? line : `{"payloads":{}${statement}`
}

/** The hostile member sends lines that are no JSON, too. */
function signatureIn(line: string): string | undefined {
  try {
    return (JSON.parse(line) as { signature: string }).signature
  } catch {
    return undefined
  }
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
