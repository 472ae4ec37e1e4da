import type { Audience } from '../../../events/audience.ts'
import type { CommandOf } from '../../../events/commands.ts'
import { type ElementId, type Handle, parentIdOf, ROOT } from '../../../events/ids.ts'
import type { CommandOutcome, DecideContext } from '../decider.ts'
import type { Element, List, StoredBlock, StoredElement } from '../document/element.ts'
import { isErased } from '../erased-values.ts'
import type { Resolved } from '../parse-command.ts'
import { Rejection } from '../rejection.ts'
import { type ContractState, find, isMemberOrInvitee } from '../state.ts'
import { audienceAt } from './effective-audience.ts'
import { standingAt } from './standing.ts'

/** Fixed for engine 1: they are hashed together. */
export const AUDIENCES_MAX = 1_024

/** What would put an owner out of the audience of what is its own is void: nobody else could let it in again. */
export function setAudience(
  { element: id, parties, until }: Resolved<'SetAudience'>,
  state: ContractState,
  { author }: DecideContext,
): CommandOutcome {
  const element = find(state, id)
  if (element === undefined) return new Rejection('no_such_element', [id])
  if (element.kind === 'field') return new Rejection('not_a_block', [id])
  if (element.instance !== undefined) return new Rejection('entry_fixed', [element.instance.prototype.id])
  if (element.owner !== author) return new Rejection('not_owner', element.owner === null ? [] : [element.owner])
  if (parties === null) {
    return until === undefined ? [{ element: id, parties, type: 'AudienceSet' }] : new Rejection('audience_unfit')
  }
  const stranger = parties.find((party) => !isMemberOrInvitee(state, party))
  if (stranger !== undefined) return new Rejection('audience_unfit', [stranger])
  const isNew = state.audiences.every((audience) => audience.element !== id)
  if (isNew && state.audiences.length >= AUDIENCES_MAX) return new Rejection('limit_exceeded', ['audiences'])
  const { isKeyed, owners } = summaryOf(element as StoredElement)
  if (isKeyed) return new Rejection('key_confidential', [id])
  const above = id === ROOT ? undefined : audienceAt(state, parentIdOf(id))
  const outside = [...owners].find((owner) => !parties.includes(owner) || above?.parties.includes(owner) === false)
  if (outside !== undefined) return new Rejection('owner_outside', [outside])
  return [{ element: id, parties: parties.toSorted(), type: 'AudienceSet', ...(until !== undefined && { until }) }]
}

/** Whether whom something is to belong to gets the values there. */
export function ownerOutside(owner: Handle | null, at: ElementId, state: ContractState): Rejection | undefined {
  if (owner === null || audienceAt(state, at)?.parties.includes(owner) !== false) return undefined
  return new Rejection('owner_outside', [owner])
}

/** Whether a party may put up a value, or none, at a field. */
export function authorOutside(author: Handle, field: ElementId, state: ContractState): Rejection | undefined {
  return audienceAt(state, field)?.parties.includes(author) === false ? new Rejection('outside_audience') : undefined
}

/** Whether whom an author meant are those who hold now: its value has gone to the former. */
export function audienceProblem(meant: Audience | undefined, held: Audience | undefined): Rejection | undefined {
  if (meant === undefined && held === undefined) return undefined
  const isSame = meant?.length === held?.length && meant?.every((party) => held?.includes(party))
  return isSame === true ? undefined : new Rejection('audience_changed', held ?? [])
}

/** By its author, or by whom the field belongs to. The value is judged like one that is proposed. */
export function revealValue(
  { field: id, proposal, seal }: CommandOf<'RevealValue'>,
  state: ContractState,
  { author, reveal }: DecideContext,
  problemOf: (value: unknown) => Rejection | undefined,
): CommandOutcome {
  const field = find(state, id) as Extract<Element, { kind: 'field' }>
  const standing = standingAt(field).find((other) => other.id === proposal)
  if (standing === undefined) return new Rejection('no_such_proposal', [proposal])
  if (standing.audience === undefined) return new Rejection('not_confidential', [proposal])
  if (standing.by !== author && field.owner !== author) return new Rejection('not_author', [standing.by as Handle])
  if (standing.seal !== seal) return new Rejection('seal_unfit', [proposal])
  // Whether it still is in some memory or not: what has been given up is nowhere carried again.
  if (isErased(state, seal)) return new Rejection('value_taken')
  const opened = reveal(seal)
  if (opened === undefined) return new Rejection('value_taken')
  return problemOf(opened.value) ?? [{ field: id, proposal, type: 'ValueRevealed' }]
}

/** What an element and what is below it come to for an audience. */
interface Summary {
  readonly owners: ReadonlySet<Handle>
  /** Whether a list in it has a key: that is compared, so everybody reads it. */
  readonly isKeyed: boolean
}

const kept = new WeakMap<StoredElement, Summary>()

/** Made once for what does not change: who sets one audience after another looks through nothing again. */
function summaryOf(element: StoredElement): Summary {
  const known = kept.get(element)
  if (known !== undefined) return known
  const owners = new Set<Handle>(element.owner === null ? [] : [element.owner])
  let isKeyed = element.kind === 'list' && element.keyed
  for (const child of storedIn(element)) {
    const below = summaryOf(child)
    for (const owner of below.owners) owners.add(owner)
    isKeyed ||= below.isKeyed
  }
  const summary = { isKeyed, owners }
  if (element.kind !== 'field') kept.set(element, summary)
  return summary
}

function storedIn(element: StoredElement): Iterable<StoredElement> {
  switch (element.kind) {
    case 'block':
      return (element as StoredBlock).children
    case 'list':
      return [(element as List).prototype]
    case 'field':
      return []
  }
}
