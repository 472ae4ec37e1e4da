import type { Field } from '../../aggregates/contract/document/element.ts'
import { type ContractState, find } from '../../aggregates/contract/state.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import { type ElementId, type LedgerIndex, requestKey, type Uid } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { Store } from '../../store/port.ts'
import { AgreedView } from '../agreed-view.ts'
import { subjectOf } from '../path.ts'
import { sealedValue } from '../sealed-value.ts'
import { StatementTimes } from './statement-times.ts'

/** A change as it was when it was made, whatever has become of the element since. */
export interface ToldChange {
  /** Where, as a REST path, by the names of then. */
  readonly subject: string
  readonly index: LedgerIndex
  readonly request: string
  readonly change: ContractEvent['type']
  readonly by: string
  /** When its author says that it was made. */
  readonly time: string
  /** Of a field: its agreed value after it, if it had one that is held here. */
  readonly value?: unknown
}

export interface ToldPorts {
  readonly store: Store
  readonly turns: Turns
  /** Of whoever has several entries told, one after another. */
  readonly times?: StatementTimes
}

/** What an entry has changed at or below an element, or above it by taking it away. */
export async function toldChanges(...asked: Parameters<typeof toldInPlace>): Promise<ToldChange[]> {
  return (await toldInPlace(...asked)).map(({ change }) => change)
}

/** The same, each with the number of its event in the entry, which is the same whatever is watched. */
export async function toldInPlace(
  entry: LedgerEntry,
  { contract, names }: { readonly contract: Uid; readonly names: readonly string[] },
  { before, after }: { readonly before: ContractState; readonly after: ContractState },
  { store, times = new StatementTimes(store.events, contract), turns }: ToldPorts,
): Promise<{ readonly place: number; readonly change: ToldChange }[]> {
  const view = new AgreedView(after, contract, store.payloads, turns)
  const told: { event: ContractEvent; path: readonly string[]; place: number }[] = []
  for (const [place, event] of entry.events.entries()) {
    if (turns.isOver) await turns.next()
    // What is agreed at once is told once.
    if (event.type === 'ValueProposed' && event.candidate === undefined) continue
    const path = changedPath(event, { before, after })
    if (isAboutIn(path, names, event)) told.push({ event, path, place })
  }
  if (told.length === 0) return []
  const time = await times.of(entry)
  const fields = new Map(told.flatMap(({ event }) => fieldGiven(event, after)).map((field) => [field.id, field]))
  const values = await view.agreedIn([...fields.values()])
  const { author, index, request } = entry
  const changes: { place: number; change: ToldChange }[] = []
  for (const { event, path, place } of told) {
    if (turns.isOver) await turns.next()
    const [field] = fieldGiven(event, after)
    const held = field && values.get(field.id)
    // What is for others, or is not held, says so.
    const value = held ?? (field?.agreed ? sealedValue(field.agreed) : undefined)
    const common = { subject: subjectOf(contract, path), index, request: requestKey(request), by: author, time }
    changes.push({ place, change: { ...common, change: event.type, ...(value !== undefined && { value }) } })
  }
  return changes
}

/** The names on the way to what an event is about, as they are then. */
export function changedPath(
  event: ContractEvent,
  { before, after }: { readonly before: ContractState; readonly after: ContractState },
): readonly string[] {
  return pathOf(event, event.type === 'ElementRemoved' ? before : after)
}

/**
 * Whether what happens at a path concerns whoever watches these names, of which `*` is any one: it is there or below, or takes away
 * what stands above.
 */
export function isAboutIn(path: readonly string[], names: readonly string[], { type }: ContractEvent): boolean {
  if (names.every((name, depth) => isNamed(path[depth], name))) return true
  return type === 'ElementRemoved' && path.every((step, depth) => isNamed(step, names[depth]))
}

function isNamed(step: string | undefined, name: string | undefined): boolean {
  return step !== undefined && (name === '*' || step === name)
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

/** The field that an event gives a value. */
function fieldGiven(event: ContractEvent, after: ContractState): Field[] {
  if (event.type !== 'ProposalAgreed' && event.type !== 'ValueComputed' && event.type !== 'ValueRevealed') return []
  const field = find(after, event.field)
  return field?.kind === 'field' ? [field] : []
}

/** Of what is not in the document: the block that it would be in; of members, the record itself. */
function pathOf(event: ContractEvent, document: ContractState): readonly string[] {
  const id = placeOf(event)
  if (id === undefined) return []
  return AgreedView.namesOf(document, id) ?? AgreedView.namesOf(document, parentOf(id)) ?? []
}

function placeOf(event: ContractEvent): ElementId | undefined {
  if ('field' in event && typeof event.field === 'string') return event.field
  if ('block' in event) return event.block
  return 'element' in event ? event.element : undefined
}

function parentOf(id: ElementId): ElementId {
  return id.slice(0, Math.max(1, id.lastIndexOf('.'))) as ElementId
}
