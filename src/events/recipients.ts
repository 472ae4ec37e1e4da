import { type Hash, isHash } from '../crypto/hash.ts'
import type { Audience } from './audience.ts'
import type { Handle } from './ids.ts'
import { ceilings } from './limits.ts'
import type { Statement } from './statement.ts'

/** The seals of a statement that are not for everybody, each with whom it is for. */
export type Recipients = ReadonlyMap<Hash, ReadonlySet<Handle>>

const everything: Recipients = new Map()
const kept = new WeakMap<object, Recipients>()

/**
 * For whom the payloads of a statement are, from its bytes alone: it travels before it has a place in the ledger, when nobody can
 * say what audience holds there. What the statement names without an audience is for everybody, wherever else it names it. What
 * is no list of handles is for nobody but its author. Attacker-controlled: the commands.
 */
export function recipientsIn(statement: Pick<Statement, 'party' | 'requests' | 'refusals' | 'decided'>): Recipients {
  const known = kept.get(statement)
  if (known !== undefined) return known
  const found = namesAudience(statement) ? recipientsOf(statement) : everything
  kept.set(statement, found)
  return found
}

/** Whether a party may have what is under a seal of a statement, as that itself says. */
export function isFor(recipients: Recipients, seal: Hash, party: Handle): boolean {
  return recipients.get(seal)?.has(party) ?? true
}

function namesAudience({ requests, refusals, decided }: Pick<Statement, 'requests' | 'refusals' | 'decided'>): boolean {
  for (const { commands, user } of requests) {
    if (user !== undefined) return true
    for (const command of commands) if ('audience' in command) return true
  }
  return refusals.some((refusal) => 'audience' in refusal) || decided.some((decision) => 'audience' in decision)
}

function recipientsOf({
  party,
  requests,
  refusals,
  decided,
}: Pick<Statement, 'party' | 'requests' | 'refusals' | 'decided'>): Recipients {
  const found = new Map<Hash, Set<Handle>>()
  const everybodys = new Set<Hash>()
  const add = (seal: unknown, audience: ReadonlySet<Handle> | undefined) => {
    if (!isHash(seal)) return
    if (audience === undefined) everybodys.add(seal)
    else found.set(seal, new Set([party, ...audience, ...(found.get(seal) ?? [])]))
  }
  for (const { about, user, commands } of requests) {
    for (const command of commands) {
      const audience = audienceIn(command)
      if ('seal' in command) add(command.seal, audience)
      if ('about' in command) add(command.about, audience)
    }
    add(about, commonTo(commands.flatMap((command) => audienceIn(command) ?? [])))
    // Who asked at the author's company is nobody else's.
    add(user, new Set())
  }
  for (const refusal of refusals) add(refusal.about, audienceIn(refusal))
  for (const decision of decided) if ('about' in decision) add(decision.about, audienceIn(decision))
  for (const seal of everybodys) found.delete(seal)
  return found
}

function audienceIn(said: object): ReadonlySet<Handle> | undefined {
  if (!('audience' in said)) return undefined
  return new Set(Array.isArray(said.audience) ? said.audience : [])
}

/** What is said of a request may be of anything in it. */
function commonTo([first, ...others]: readonly ReadonlySet<Handle>[]): ReadonlySet<Handle> | undefined {
  return first && others.reduce((common, other) => common.intersection(other), first)
}

/**
 * Whom what is said about a request is for: the audience of all that is confidential in it. `isParty`: who can be named, whatever the
 * request names. Undefined: everybody.
 */
export function audienceOf(
  { commands }: { readonly commands: readonly object[] },
  isParty: (handle: Handle) => boolean,
): Audience | undefined {
  const common = commonTo(commands.flatMap((command) => audienceIn(command) ?? []))
  return common && [...common].filter(isParty).slice(0, ceilings.members)
}
