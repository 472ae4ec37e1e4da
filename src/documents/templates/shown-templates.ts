import { type ContractState, membersOf } from '../../aggregates/contract/state.ts'
import { saidBy, type TemplateUse, type UpgradeVote } from '../../aggregates/contract/templates/template-book.ts'
import { utf8Length } from '../../crypto/bytes.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ElementId, Handle, LedgerIndex } from '../../events/ids.ts'
import type { Roles, Template } from '../../events/template.ts'
import { pathOf } from '../written-rule.ts'

export interface ShownTemplate {
  readonly template: Hash
  readonly bytes: number
  /** What its first element is called in it. */
  readonly name: string
  readonly from: Template['from']
  readonly roles: readonly Handle[]
  readonly elements: number
  readonly rules: number
}

/** What came from a template. */
export interface ShownUse {
  readonly at: string
  readonly element: ElementId
  readonly template: Hash
  readonly roles: Roles
  readonly by: Handle
  readonly index: LedgerIndex
  readonly upgrades: TemplateUse['upgrades']
  /** For another one, and members whose vote is missing. */
  readonly votes: readonly Pick<UpgradeVote, 'by' | 'to'>[]
  readonly waitsFor: readonly Handle[]
}

export interface ShownTemplates {
  readonly templates: readonly ShownTemplate[]
  readonly uses: readonly ShownUse[]
}

export function shownTemplates(state: ContractState): ShownTemplates {
  const members = membersOf(state).map(({ card }) => card.handle)
  const { held, uses } = state.templates
  return {
    templates: held.map((one) => shownTemplate(one.hash, one.text, saidBy(one))),
    uses: uses.map(({ by, element, index, roles, template, upgrades, votes }) => ({
      at: pathOf(element, state),
      by,
      element,
      index,
      roles,
      template,
      upgrades,
      votes: votes.map((vote) => ({ by: vote.by, to: vote.to })),
      waitsFor: votes.length === 0 ? [] : members.filter((member) => !votes.some((vote) => vote.by === member)),
    })),
  }
}

function shownTemplate(hash: Hash, text: string, { elements, from, roles, rules }: Template): ShownTemplate {
  const name = elements[0]?.name as string
  const counts = { elements: elements.length, rules: rules.length }
  return { bytes: utf8Length(text), ...counts, from, name, roles, template: hash }
}
