import type { FieldType } from '../../../events/field-type.ts'
import type { ElementId } from '../../../events/ids.ts'
import { KEYED_ENTRIES_MAX } from '../../../events/limits.ts'
import type { CommandOutcome, DecideContext } from '../decider.ts'
import type { Resolved } from '../parse-command.ts'
import { Rejection } from '../rejection.ts'
import { type ContractState, find, isInPrototype } from '../state.ts'
import { audienceAt } from '../values/effective-audience.ts'
import { typeProblem } from './define-type.ts'
import { mayChange, notOwner, placeFor, unfitName } from './elements.ts'
import { builtInOf } from './types.ts'

/** Those of which a value has one spelling, so that two entries of one key cannot both stand. */
const KEY_TYPES: ReadonlySet<FieldType['type']> = new Set(['text', 'integer', 'choice', 'party', 'date'])

export function addList(command: Resolved<'AddList'>, state: ContractState, context: DecideContext): CommandOutcome {
  const { entry, entriesMax, key } = command
  const entriesLimit =
    key === undefined ? state.limits.entriesPerList : Math.min(state.limits.entriesPerList, KEYED_ENTRIES_MAX)
  if (entriesMax > entriesLimit) return new Rejection('limit_exceeded', ['entriesPerList'])
  const entryWeight = key === undefined ? 1 : 2
  const size = { levels: 1 + entryWeight, weight: 1 + (1 + entriesMax) * entryWeight }
  const place = placeFor(command, state, context, size)
  if (place instanceof Rejection) return place
  const problem = (entry === 'block' ? undefined : typeProblem(entry, state)) ?? keyProblem(command, state)
  const { element, name, owner } = place
  return problem ?? [{ element, entriesMax, entry, key: key ?? null, name, owner, type: 'ListAdded' }]
}

/** In the order of the ledger: the next number, whoever adds it. */
export function addEntry(
  { list: id }: Resolved<'AddEntry'>,
  state: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  const list = find(state, id)
  if (list === undefined) return new Rejection('no_such_element', [id])
  if (list.kind !== 'list') return new Rejection('not_a_list', [id])
  if (isInPrototype(state, id)) return new Rejection('prototype_empty', [id])
  if (!mayChange(list, author)) return notOwner(list)
  if (list.entries.count >= list.entriesMax) return new Rejection('limit_exceeded', ['entriesMax'])
  return [{ element: `${id}.${list.entries.tree.slots}` as ElementId, type: 'EntryAdded' }]
}

function keyProblem({ entry, key, parent }: Resolved<'AddList'>, state: ContractState): Rejection | undefined {
  if (key === undefined) return undefined
  if (entry !== 'block' || !KEY_TYPES.has(builtInOf(key.field, state.types).type)) return new Rejection('key_unfit')
  if (audienceAt(state, parent) !== undefined) return new Rejection('key_confidential', [parent])
  return unfitName(key.name, state) ?? typeProblem(key.field, state)
}
