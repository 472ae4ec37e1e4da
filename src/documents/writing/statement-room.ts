import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { RequestTooLarge } from '../../contracts/requests/local-requests.ts'
import { requestBytesMax } from '../../contracts/requests/statement-budget.ts'
import { MESSAGE_VALUES_CHARACTERS_MAX } from '../../events/limits.ts'
import { ConcordataError, type ExceededLimit } from '../../runtime/errors.ts'
import type { Changes } from '../changes.ts'

/** Of what a request has beside its commands. */
const ENVELOPE_BYTES = 1_024

/** What of commands one statement of a contract can carry: how many, and bytes of JSON. */
export interface Room {
  readonly commands: number
  readonly bytes: number
}

export function roomFor({ state }: LiveContract): Room {
  const { commandsPerRequest: commands } = state.ledger.document.limits
  return { commands, bytes: requestBytesMax(state) - ENVELOPE_BYTES }
}

/** Of what is tried as one, since it would be several requests: commands name by four digits what one before them adds (protocol.md, §5). */
export const TRIED_COMMANDS_MAX = 10_000

/** Before anything is judged, so that it is one answer however much it is. Throws RequestTooLarge. */
export function requireFewCommands({ commands }: Pick<Changes, 'commands'>, max: number): void {
  if (commands.length <= max) return
  const where = max === TRIED_COMMANDS_MAX ? 'are tried as one' : 'fit into a statement'
  const message = `the request has ${commands.length} commands; ${max} ${where}`
  throw new RequestTooLarge('request_too_large', message, { limit: { name: 'commandsPerRequest', max } })
}

/** Whoever is told that it is too large is told by which bound. */
export async function namingLimit<Result>(submit: () => Promise<Result>): Promise<Result> {
  try {
    return await submit()
  } catch (error) {
    if (!isTooLarge(error) || error.evidence.limit !== undefined) throw error
    const { code, evidence, message } = error
    throw new RequestTooLarge(code, message, { ...evidence, limit: limitIn(evidence) }, { cause: error })
  }
}

export function isTooLarge(error: unknown): error is ConcordataError {
  return error instanceof ConcordataError && error.code === 'request_too_large'
}

function limitIn({ bytesMax, valueBytes }: ConcordataError['evidence']): ExceededLimit {
  if (typeof valueBytes === 'number' && valueBytes > MESSAGE_VALUES_CHARACTERS_MAX)
    return { name: 'requestValueBytes', max: MESSAGE_VALUES_CHARACTERS_MAX }
  return { name: 'requestBytes', ...(typeof bytesMax === 'number' && { max: bytesMax }) }
}
