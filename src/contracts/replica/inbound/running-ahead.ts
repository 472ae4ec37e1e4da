import type { Handle } from '../../../events/ids.ts'
import type { SignedStatement } from '../../../events/statement-codec.ts'

/** How many statements of one contract that run ahead are kept: they are looked at with each turn. */
export const WAITING_MAX = 4096

/** After how many statements of one turn that their parties have not signed the others are left aside: a forgery costs more than a signature. */
const UNSIGNED_MAX = 64

const sizes = new WeakMap<SignedStatement, number>()

/**
 * Which of the statements that run ahead of what is held are kept until it comes. Anybody can make up statements that
 * their party has not signed. Where there is not room for all, no party takes room from another, and none from `self`:
 * this party has to know what it has signed itself. What is left out comes again, since senders go by what this party
 * says it holds. `before`: those kept in the last turn. `isSigned`: whether its party has signed it, as far as is
 * known here.
 */
export function runningAhead(
  waiting: readonly SignedStatement[],
  before: readonly SignedStatement[],
  self: Handle,
  isSigned: (decoded: SignedStatement) => boolean,
): { readonly kept: readonly SignedStatement[]; readonly unsigned: number; readonly givenUp: number } {
  const { signed, unsigned } = signedAmong(waiting, before, isSigned)
  const kept = roomFor(signed, self)
  return { kept, unsigned, givenUp: signed.length - kept.length }
}

function signedAmong(
  waiting: readonly SignedStatement[],
  before: readonly SignedStatement[],
  isSigned: (decoded: SignedStatement) => boolean,
): { readonly signed: SignedStatement[]; readonly unsigned: number } {
  const known = new Map(before.map((decoded) => [decoded.hash, decoded]))
  let unsigned = 0
  const signed = waiting.flatMap((decoded) => {
    const last = known.get(decoded.hash)
    if (last === decoded) return [decoded]
    if (unsigned < UNSIGNED_MAX && isSigned(decoded)) return [decoded]
    unsigned++
    // The same statement with another signature does not take the place of the one that is good.
    return last ?? []
  })
  return { signed, unsigned }
}

function roomFor(waiting: readonly SignedStatement[], self: Handle): readonly SignedStatement[] {
  if (waiting.length <= WAITING_MAX) return waiting
  const taken = new Map<Handle, number>()
  const ranked = waiting.map((decoded) => {
    const { party } = decoded.statement
    const room = (taken.get(party) ?? 0) + sizeOf(decoded)
    taken.set(party, room)
    return { decoded, room: party === self ? 0 : room }
  })
  const kept = ranked.sort((one, other) => one.room - other.room).slice(0, WAITING_MAX)
  return kept.map(({ decoded }) => decoded)
}

/** The characters of its line, or nearly. */
function sizeOf(decoded: SignedStatement): number {
  const known = sizes.get(decoded)
  if (known !== undefined) return known
  const size = decoded.text.length + JSON.stringify(decoded.payloads).length
  sizes.set(decoded, size)
  return size
}
