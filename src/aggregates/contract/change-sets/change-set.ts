import { utf8Length } from '../../../crypto/bytes.ts'
import { canonicalJson } from '../../../crypto/canonical-json.ts'
import { type Hash, hashJson } from '../../../crypto/hash.ts'
import type { Command, CommandType } from '../../../events/commands.ts'
import type { ChangeSetEnd, ContractEvent } from '../../../events/contract-events.ts'
import type { ElementId, Handle, LedgerIndex, ProposalId } from '../../../events/ids.ts'
import { type RequestRef, requestKey } from '../../../events/ids.ts'
import type { VoidReason } from '../../../events/outcome.ts'

/** A request that waits, whole, for votes (design §5 *Change sets*, decision 0120). None of it is in the document, and no ordinal is given out for it. */
export interface ChangeSet {
  /** Its name, and in it its author's. */
  readonly request: RequestRef
  /** Ledger index at which it was proposed. */
  readonly index: LedgerIndex
  /** Seal of what its author says about it. */
  readonly about?: Hash
  /** As the request has them; `basis` without what did not stand. */
  readonly commands: readonly Command[]
  /** Who must vote YES, without its author, in the order of their admission; members that resign leave it. */
  readonly voters: readonly Handle[]
  /** Who has voted YES, in the order of the votes. A NO ends it. */
  readonly yes: readonly Handle[]
}

/** Elements and values only: what else a contract has is voted in its own ways. */
const allowed: ReadonlySet<string> = new Set<CommandType>([
  'AddBlock',
  'AddField',
  'AddList',
  'AddEntry',
  'ArrangeChildren',
  'RenameElement',
  'RemoveElement',
  'GrantElement',
  'ProposeValue',
  'EmptyField',
])

/** What one party can have waiting: nobody takes another's room. Fixed for engine 1. */
export const CHANGE_SETS_MAX = 8
/** Of the commands of these, as canonical JSON. */
export const CHANGE_SET_BYTES_MAX = 128 * 1024

export function mayStandInChangeSet({ type }: { readonly type: string }): boolean {
  return allowed.has(type)
}

export function changeSetNamed(sets: readonly ChangeSet[], request: RequestRef): ChangeSet | undefined {
  return sets.find((set) => isNamed(set, request))
}

export function isNamed({ request: { handle, seq, index } }: ChangeSet, request: RequestRef): boolean {
  return handle === request.handle && seq === request.seq && index === request.index
}

/** No set stays that has them. */
export function hasAllVotes({ voters, yes }: ChangeSet): boolean {
  return voters.every((voter) => yes.includes(voter))
}

/** What the commands of all these sets come to. */
export function bytesOf(sets: readonly Pick<ChangeSet, 'commands'>[]): number {
  return sets.reduce((sum, { commands }) => sum + partsOf(commands).bytes, 0)
}

/** A value of a set that waits at a field. */
interface Waiting {
  readonly set: ChangeSet
  readonly id: ProposalId
}

const noneWaiting: readonly Waiting[] = []

/** The values at a field that exists, in the order of the sets. */
export function waitingAt(sets: readonly ChangeSet[], field: ElementId): readonly Waiting[] {
  if (sets.length === 0) return noneWaiting
  return sets.flatMap((set) => {
    const places = partsOf(set.commands).values.get(field) ?? []
    return places.map((place) => ({ set, id: `${requestKey(set.request)}.${place}` as ProposalId }))
  })
}

/** The fields that exist for which it has a value, or nothing. */
export function fieldsOf({ commands }: Pick<ChangeSet, 'commands'>): Iterable<ElementId> {
  return partsOf(commands).values.keys()
}

/** All elements that it names by their ids. */
export function elementsOf({ commands }: Pick<ChangeSet, 'commands'>): ReadonlySet<ElementId> {
  return partsOf(commands).elements
}

export function changeSetEnded({ request }: ChangeSet, why: ChangeSetEnd, reason?: VoidReason): ContractEvent {
  return { ...(reason && { reason }), request, type: 'ChangeSetEnded', why }
}

export function withChangeSet(sets: readonly ChangeSet[], changed: ChangeSet): readonly ChangeSet[] {
  return sets.map((set) => (isNamed(set, changed.request) ? changed : set))
}

export function withoutChangeSet(sets: readonly ChangeSet[], request: RequestRef): readonly ChangeSet[] {
  return sets.filter((set) => !isNamed(set, request))
}

/** Who resigns is asked no more. The same array where it was not. */
export function withoutVoterOnSets(sets: readonly ChangeSet[], gone: Handle): readonly ChangeSet[] {
  if (!sets.some(({ voters }) => voters.includes(gone))) return sets
  return sets.map((set) => ({ ...set, voters: set.voters.filter((voter) => voter !== gone) }))
}

const hashes = new WeakMap<readonly ChangeSet[], Hash>()

/** Over all that are open; computed once for each array, and over the commands of a set once. */
export function changeSetsHash(sets: readonly ChangeSet[]): Hash {
  const known = hashes.get(sets)
  if (known !== undefined) return known
  const hash = hashJson(
    'changesets',
    sets.map(({ commands, ...set }) => ({ ...set, commands: partsOf(commands).hash })),
  )
  hashes.set(sets, hash)
  return hash
}

/** What follows from the commands of a set alone. */
interface Parts {
  readonly bytes: number
  readonly hash: Hash
  /** By field, the places of the commands with a value for it. */
  readonly values: ReadonlyMap<ElementId, readonly number[]>
  readonly elements: ReadonlySet<ElementId>
}

const keptParts = new WeakMap<readonly Command[], Parts>()

function partsOf(commands: readonly Command[]): Parts {
  const known = keptParts.get(commands)
  if (known !== undefined) return known
  const values = new Map<ElementId, number[]>()
  const elements = new Set<ElementId>()
  for (const [place, command] of commands.entries()) {
    const named = elementNamedBy(command)
    if (named === undefined || named.startsWith('#')) continue
    const id = named as ElementId
    elements.add(id)
    if (command.type !== 'ProposeValue' && command.type !== 'EmptyField') continue
    const places = values.get(id)
    if (places === undefined) values.set(id, [place])
    else places.push(place)
  }
  const hash = hashJson('changeset', commands)
  const parts: Parts = { bytes: utf8Length(canonicalJson(commands)), hash, values, elements }
  keptParts.set(commands, parts)
  return parts
}

/** The element that a command of a set is about: by its id, or by what adds it. */
function elementNamedBy(command: Command): string | undefined {
  if ('parent' in command) return command.parent
  if ('list' in command) return command.list
  if ('block' in command) return command.block
  if ('element' in command) return command.element
  return 'field' in command && typeof command.field === 'string' ? command.field : undefined
}
