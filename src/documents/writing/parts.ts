import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { RequestTooLarge } from '../../contracts/requests/local-requests.ts'
import { bytesIn } from '../../contracts/requests/statement-budget.ts'
import type { AskedVotes } from '../../contracts/requests/submission.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { Command } from '../../events/commands.ts'
import { type RequestRef, requestKey } from '../../events/ids.ts'
import { MESSAGE_VALUES_CHARACTERS_MAX } from '../../events/limits.ts'
import type { Payloads } from '../../events/statement.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { CandidateFate } from '../candidates/fates.ts'
import type { Changes } from '../changes.ts'
import type { RequestResult } from '../request-result.ts'
import { isTooLarge, type Room, roomFor } from './statement-room.ts'

/** As `RequestDraft.push` names what a command adds, alone or with the way to what stands in it. */
const ADDED = /^#(\d+)(?=\.|$)/
/** Which members of commands name elements. */
const NAMING = ['at', 'block', 'element', 'field', 'list', 'parent'] as const

/**
 * Submits requests one after another; each takes effect whole or not at all, and where one fails those after it are
 * not asked for (decision 0152). What fits into one statement, or cannot be divided, is one request as ever. `parts`:
 * the requests made so far, also in the evidence of an error; `asked`: the candidates of all of them. `takeBack`:
 * withdraws, where nobody waits for more, the candidates of the requests before the one that failed; their fate is
 * `takenBack`, or `candidates` in evidence.
 */
export async function submitInParts(
  live: LiveContract,
  changes: Changes,
  submit: (part: Changes, place: number) => Promise<RequestResult>,
  takeBack?: (made: readonly RequestRef[]) => Promise<readonly CandidateFate[]>,
): Promise<RequestResult> {
  const parts = partsOf(changes, roomFor(live))
  if (parts.length === 1) return submit(changes, 0)
  const made = new MadeRequests()
  const asked: AskedVotes[] = []
  const back = async () => (made.going.length === 0 ? [] : ((await takeBack?.(made.going)) ?? []))
  let result: RequestResult | undefined
  for (const [place, part] of parts.entries()) {
    result = await submit(part, place).catch(async (error: unknown) => {
      throw made.named(error, await back().catch(() => []))
    })
    made.take(result)
    if (!isGoingOn(result)) {
      const takenBack = await back().catch((error: unknown) => {
        throw made.named(error)
      })
      return { ...result, ...(takenBack.length > 0 && { takenBack }), parts: made.parts }
    }
    if (result.kind === 'settled') asked.push(...(result.asked ?? []))
  }
  const last = result as RequestResult
  return { ...last, ...(last.kind === 'settled' && asked.length > 0 && { asked }), parts: made.parts }
}

/** One request. Of what is too large for that, and could be cut, it is told that it can be asked for so. */
export async function submitWhole<Result>(
  live: LiveContract,
  changes: Changes,
  submit: (whole: Changes, place: number) => Promise<Result>,
): Promise<Result> {
  try {
    return await submit(changes, 0)
  } catch (error) {
    if (!isTooLarge(error) || partsOf(changes, roomFor(live)).length === 1) throw error
    const { code, evidence, message } = error
    throw new RequestTooLarge(code, `${message}; ?split, or --split, asks for it in several requests`, evidence, {
      cause: error,
    })
  }
}

/** The requests that were made so far, of what is several. */
export class MadeRequests {
  readonly parts: RequestRef[] = []
  /** Those that have not come to nothing. */
  readonly going: RequestRef[] = []

  take(result: RequestResult): void {
    if (!('request' in result) || result.request === undefined) return
    this.parts.push(result.request)
    if (isGoingOn(result)) this.going.push(result.request)
  }

  /** Whoever is told that it failed is told what stands all the same. Others may be told the same error: it stays as it is. */
  named(error: unknown, candidates: readonly CandidateFate[] = []): unknown {
    if (this.parts.length === 0 || !(error instanceof ConcordataError)) return error
    const { code, evidence, message } = error
    const parts = this.parts.map(requestKey)
    const beside = candidates.length === 0 ? {} : { candidates }
    return new ConcordataError(code, message, { ...evidence, ...beside, parts }, { cause: error })
  }
}

/** Whoever waits for nobody but this party's own signature has the next one asked for as well. */
function isGoingOn(result: RequestResult): boolean {
  return result.kind === 'pending' || (result.kind === 'settled' && result.outcome.kind === 'accepted')
}

/** Cut where nothing names what was added before; in one where a part would still be too large, so that it is refused as it is. */
export function partsOf({ commands, payloads, ...others }: Changes, room: Room): Changes[] {
  const whole = [{ commands, payloads, ...others }]
  const rowsFrom = (from: number) => others.rows && { rows: others.rows.map((start) => start - from) }
  const parts: Changes[] = []
  let [from, to, bytes, characters] = [0, 0, 0, 0]
  const close = () => parts.push({ ...partOf(commands.slice(from, to), payloads, from), ...rowsFrom(from) })
  for (const [first, last] of groupsOf(commands)) {
    const group = commands.slice(first, last)
    const size = group.reduce((sum, command) => sum + bytesIn(command), 0)
    const values = group.reduce((sum, command) => sum + charactersUnder(command, payloads), 0)
    if (group.length > room.commands || size > room.bytes || values > MESSAGE_VALUES_CHARACTERS_MAX) return whole
    const isFull =
      last - from > room.commands || bytes + size > room.bytes || characters + values > MESSAGE_VALUES_CHARACTERS_MAX
    if (isFull) {
      close()
      ;[from, bytes, characters] = [first, 0, 0]
    }
    to = last
    bytes += size
    characters += values
  }
  close()
  return parts.length === 1 ? whole : parts
}

/** From where to where, the last not with it. */
function groupsOf(commands: readonly Command[]): [first: number, last: number][] {
  const groups: [number, number][] = []
  let [least, end] = [commands.length, commands.length]
  for (let place = commands.length - 1; place >= 0; place--) {
    for (const named of addedIn(commands[place] as Command)) least = Math.min(least, named)
    if (least < place) continue
    groups.unshift([place, end])
    end = place
    least = place
  }
  return groups
}

function addedIn(command: Command): number[] {
  return NAMING.flatMap((member) => {
    const place = ADDED.exec(namedBy(command, member) ?? '')?.[1]
    return place === undefined ? [] : [Number(place)]
  })
}

function namedBy(command: Command, member: (typeof NAMING)[number]): string | undefined {
  const named = (command as Readonly<Record<string, unknown>>)[member]
  return typeof named === 'string' ? named : undefined
}

function partOf(commands: readonly Command[], payloads: Payloads, from: number): Changes {
  const own = commands.map((command) => {
    const named = NAMING.flatMap((member) => {
      const name = namedBy(command, member)?.replace(ADDED, (_, place: string) => `#${Number(place) - from}`)
      return name === undefined ? [] : [[member, name]]
    })
    return { ...command, ...Object.fromEntries(named) } as Command
  })
  const sealed = own.flatMap((command) => {
    const seal = sealIn(command)
    const payload = seal === undefined ? undefined : payloads[seal]
    return payload === undefined ? [] : [[seal, payload]]
  })
  return { commands: own, payloads: Object.fromEntries(sealed) }
}

function sealIn(command: Command): Hash | undefined {
  return command.type === 'ProposeValue' ? (command.seal as Hash) : undefined
}

function charactersUnder(command: Command, payloads: Payloads): number {
  const seal = sealIn(command)
  return seal === undefined ? 0 : JSON.stringify(payloads[seal] ?? null).length
}
