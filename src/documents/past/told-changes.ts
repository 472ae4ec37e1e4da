import { type Field, fieldsHolding } from '../../aggregates/contract/document/element.ts'
import { erasedIn } from '../../aggregates/contract/erased-values.ts'
import { type ContractState, find } from '../../aggregates/contract/state.ts'
import type { Contracts } from '../../contracts/registry/contracts.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import { type ElementId, type LedgerIndex, requestKey, type Uid } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import { valueUnder } from '../../events/seal.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { Store } from '../../store/port.ts'
import { AgreedView, isStanding, openedIn } from '../agreed-view.ts'
import { pathTo, subjectOf } from '../path.ts'
import { sealedValue } from '../sealed-value.ts'
import { type NamedInChange, namedIn } from './named-in-change.ts'
import { StatementTimes } from './statement-times.ts'
import { type Around, changedPath, concerns, pathBefore } from './watched.ts'

/** As many values as an erasure names; those that are computed from them come beside. */
const ERASED_AT_MAX = 1_000

/** A change as it was when it was made, whatever has become of the element since. */
export interface ToldChange extends NamedInChange {
  /** Where, as a REST path, by the names of then. */
  readonly subject: string
  readonly index: LedgerIndex
  readonly request: string
  readonly change: ContractEvent['type']
  readonly by: string
  /** When its author says that it was made. */
  readonly time: string
  /** Of what was renamed: the subject that it had. */
  readonly was?: string
  /** Of an erasure: the paths of fields at which one of its values stood; left out: there are too many, or none. Of a rule: where it stands. */
  readonly at?: readonly string[]
  /** Of a field: its agreed value after it, if it had one that is held here. */
  readonly value?: unknown
}

export interface ToldPorts {
  /** They know what was erased since. */
  readonly contracts: Pick<Contracts, 'use'>
  readonly store: Store
  readonly turns: Turns
  /** Of whoever has several entries told, one after another. */
  readonly times?: StatementTimes
}

/** What an entry has changed of what is watched, and the fields whose values belong to it: not read yet. */
export interface FoundChanges {
  readonly entry: LedgerEntry
  /** `place`: the number of the event in the entry, which is the same whatever is watched. */
  readonly events: readonly {
    readonly event: ContractEvent
    readonly path: readonly string[]
    readonly was: readonly string[] | undefined
    /** Of an erasure: the names on the way to each field at which one of its values stood. */
    readonly stoodAt: readonly (readonly string[])[]
    readonly place: number
    readonly named: NamedInChange
  }[]
  /** By id, as they stand after the entry. */
  readonly fields: ReadonlyMap<ElementId, Field>
}

/** What an entry has changed at or below an element, or above it by taking it away or renaming it. */
export async function toldChanges(
  entry: LedgerEntry,
  { contract, names }: { readonly contract: Uid; readonly names: readonly string[] },
  around: Around,
  ports: ToldPorts,
): Promise<ToldChange[]> {
  const found = await changesIn(entry, { contract, names }, around, ports)
  return (await toldOf([found], contract, ports)).map(({ change }) => change)
}

/** The names on the way to each field at which one of these values stands. */
async function holdersOf(
  seals: readonly Hash[],
  before: ContractState,
  turns: Turns,
): Promise<readonly (readonly string[])[]> {
  const found: (readonly string[])[] = []
  for (const { id } of fieldsHolding(before.document, new Set(seals))) {
    if (turns.isOver) await turns.next()
    found.push(AgreedView.namesOf(before, id) ?? [])
  }
  return found
}

/** The same, before any value is read. */
export async function changesIn(
  entry: LedgerEntry,
  { contract, names }: { readonly contract: Uid; readonly names: readonly string[] },
  around: Around,
  { store: { payloads }, turns }: Pick<ToldPorts, 'store' | 'turns'>,
): Promise<FoundChanges> {
  const events: FoundChanges['events'][number][] = []
  for (const [place, event] of entry.events.entries()) {
    if (turns.isOver) await turns.next()
    // What is agreed at once is told once.
    if (event.type === 'ValueProposed' && event.candidate === undefined) continue
    const stoodAt = event.type === 'ValuesErased' ? await holdersOf(event.seals, around.before, turns) : []
    const isConcerned = concerns(event, names, around, { contract, payloads }, stoodAt)
    if (isConcerned === false || !(await isConcerned)) continue
    const named = namedIn(event, around)
    events.push({ event, path: changedPath(event, around), was: pathBefore(event, around), stoodAt, place, named })
  }
  const fields = events.flatMap(({ event }) => fieldGiven(event, around.after) ?? [])
  return { entry, events, fields: new Map(fields.map((field) => [field.id, field])) }
}

/** What is told of several entries of a contract, in their order, with the values that they gave: read all at once. */
export async function toldOf(
  found: readonly FoundChanges[],
  contract: Uid,
  { contracts, store, times = new StatementTimes(store.events, contract), turns }: ToldPorts,
): Promise<{ readonly entry: LedgerEntry; readonly place: number; readonly change: ToldChange }[]> {
  const standing = found.flatMap(({ fields }) => [...fields.values()].filter(isStanding))
  const opened = await openedIn(standing, contract, store.payloads, turns)
  const isAnyMissing = standing.some(({ agreed }) => agreed.audience !== undefined && !opened.has(agreed.seal))
  const erased = isAnyMissing
    ? await contracts.use(contract, ({ state }) => erasedIn(state.settling.agreed))
    : new Set<Hash>()
  const changes: { entry: LedgerEntry; place: number; change: ToldChange }[] = []
  for (const { entry, events, fields } of found) {
    if (events.length === 0) continue
    const time = await times.of(entry)
    const { author, index, request } = entry
    for (const { event, named, path, place, stoodAt, was } of events) {
      if (turns.isOver) await turns.next()
      const value = isGiven(event) ? valueIn(fields.get(event.field), opened, erased) : undefined
      const common = { subject: subjectOf(contract, path), index, request: requestKey(request), by: author, time }
      const from = was && { was: subjectOf(contract, was) }
      const at = stoodAt.length > 0 && stoodAt.length <= ERASED_AT_MAX && { at: stoodAt.map(pathTo) }
      const change = { ...common, change: event.type, ...named, ...from, ...at, ...(value !== undefined && { value }) }
      changes.push({ entry, place, change })
    }
  }
  return changes
}

/** What is for others says so; what was erased is nobody's any more. */
function valueIn(field: Field | undefined, opened: ReadonlyMap<Hash, string>, erased: ReadonlySet<Hash>): unknown {
  if (field === undefined || !isStanding(field)) return undefined
  const text = opened.get(field.agreed.seal)
  if (text !== undefined) return valueUnder(field.agreed.seal, text)
  return erased.has(field.agreed.seal) ? undefined : sealedValue(field.agreed)
}

/** A request that came to nothing: none where this one did not. */
export async function toldRequests(
  entry: LedgerEntry,
  contract: Uid,
  { store, times = new StatementTimes(store.events, contract) }: Pick<ToldPorts, 'store' | 'times'>,
): Promise<readonly object[]> {
  const { author, index, outcome, request } = entry
  if (outcome.kind === 'accepted') return []
  const key = requestKey(request)
  const time = await times.of(entry)
  return [{ subject: `/api/Contract/${contract}/Requests/${key}`, index, request: key, by: author, time, outcome }]
}

type ValueGiven = Extract<ContractEvent, { type: 'ProposalAgreed' | 'ValueComputed' | 'ValueRevealed' }>

function isGiven(event: ContractEvent): event is ValueGiven {
  return event.type === 'ProposalAgreed' || event.type === 'ValueComputed' || event.type === 'ValueRevealed'
}

/** The field that an event gives a value. */
function fieldGiven(event: ContractEvent, after: ContractState): Field | undefined {
  const field = isGiven(event) ? find(after, event.field) : undefined
  return field?.kind === 'field' ? field : undefined
}
