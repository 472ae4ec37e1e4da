import type { Handle } from '../../../events/ids.ts'
import type { Roles, Template } from '../../../events/template.ts'
import { definitionHash } from '../../../events/type-definition.ts'
import { nameRules } from '../../names/engine-1.ts'
import type { CommandOutcome, DecideContext } from '../decider.ts'
import { placeFor } from '../document/elements.ts'
import { definitionOf, typeLike } from '../document/types.ts'
import type { Resolved } from '../parse-command.ts'
import { Rejection } from '../rejection.ts'
import { RULE_SETS_MAX, RULES_MAX } from '../rules/rule-commands.ts'
import { type ContractState, memberOf } from '../state.ts'
import { AUDIENCES_MAX, ownerOutside } from '../values/audience.ts'
import { audienceAt } from '../values/effective-audience.ts'
import type { TemplateImported } from './imported-events.ts'
import { type KnownTemplate, templateNamed } from './parsed-template.ts'

/** How much one contract has that came from templates. Fixed for engine 1. */
const USES_MAX = 1_024

/**
 * Decides an import: all or nothing, in one event. Whether the bytes are a template was decided when they were
 * brought; here it is decided whether this document has room for it and takes it at that place. The rules of the
 * template become drafts of the author, on which everybody else votes.
 */
export function importTemplate(
  { at, name, hash, roles }: Resolved<'ImportTemplate'>,
  state: ContractState,
  context: DecideContext,
): CommandOutcome {
  const parsed = templateNamed(state.templates, hash)
  if (parsed === undefined) return new Rejection('no_such_template', [hash])
  if (state.templates.uses.length >= USES_MAX) return new Rejection('limit_exceeded', ['templateUses'])
  const { template, needs } = parsed
  const problem = roleProblem(template, roles, state) ?? needsProblem(parsed, state) ?? roomProblem(parsed, state)
  if (problem !== undefined) return problem
  const place = placeFor({ name, parent: at, type: 'AddBlock' }, state, context, needs)
  if (place instanceof Rejection) return place
  const confidential = confidentialProblem(parsed, at, roles, state)
  if (confidential !== undefined) return confidential
  const taken = takenFrom(template, state)
  if (taken instanceof Rejection) return taken
  const imported: TemplateImported = {
    by: context.author,
    element: place.element,
    name,
    newRuleSets: taken.newRuleSets,
    roles,
    ruleSets: taken.ruleSets,
    rules: state.rules.nextRule,
    template: hash,
    type: 'TemplateImported',
    types: taken.types,
  }
  return [imported]
}

/** Each of its roles is bound, to a member, and nothing else. */
export function roleProblem({ roles }: Template, bound: Roles, state: ContractState): Rejection | undefined {
  const unbound = roles.find((role) => !Object.hasOwn(bound, role))
  if (unbound !== undefined) return new Rejection('role_unfit', [unbound])
  const other = (Object.keys(bound) as Handle[]).sort().find((role) => !roles.includes(role))
  if (other !== undefined) return new Rejection('role_unfit', [other])
  const stranger = roles.find((role) => memberOf(state, bound[role] as Handle) === undefined)
  return stranger === undefined ? undefined : new Rejection('role_unfit', [stranger, bound[stranger] as Handle])
}

/** What its parts need, wherever they come to stand. */
export function needsProblem({ needs }: KnownTemplate, { limits }: ContractState): Rejection | undefined {
  const isExceeded = (limit: string) => new Rejection('limit_exceeded', [limit])
  if (needs.nameCharacters > limits.nameCharacters) return isExceeded('nameCharacters')
  if (needs.entriesPerList > limits.entriesPerList) return isExceeded('entriesPerList')
  if (needs.ruleBytes > limits.ruleBytes) return isExceeded('ruleBytes')
  return undefined
}

function roomProblem({ template }: KnownTemplate, state: ContractState): Rejection | undefined {
  const isExceeded = (limit: string) => new Rejection('limit_exceeded', [limit])
  if (state.audiences.length + template.audiences.length > AUDIENCES_MAX) return isExceeded('audiences')
  if (template.rules.length > 0 && state.phase === 'live') return new Rejection('rules_in_force')
  if (state.rules.rules.length + template.rules.length > RULES_MAX) return isExceeded('rules')
  return undefined
}

/** Below a confidential block: whoever owns something there is in its audience, no key stands there, and nothing is computed. */
function confidentialProblem(
  { isComputing, isKeyed, owners }: KnownTemplate,
  at: Resolved<'ImportTemplate'>['at'],
  roles: Roles,
  state: ContractState,
): Rejection | undefined {
  if (audienceAt(state, at) === undefined) return undefined
  if (isKeyed) return new Rejection('key_confidential', [at])
  if (isComputing) return new Rejection('rule_unfit', ['target_confidential'])
  for (const role of owners) {
    const outside = ownerOutside(roles[role] as Handle, at, state)
    if (outside !== undefined) return outside
  }
  return undefined
}

/** Which of its types are new, and which rule sets of the contract its own are: those of the same name, or new ones. */
export function takenFrom(
  { types, ruleSets }: Template,
  state: ContractState,
): Pick<TemplateImported, 'types' | 'ruleSets' | 'newRuleSets'> | Rejection {
  const missing = types.filter((type) => definitionOf(state.types, definitionHash(type)) === undefined)
  if (state.types.defined.slots + missing.length > state.limits.types) return new Rejection('limit_exceeded', ['types'])
  for (const { name } of missing) {
    const like = typeLike(state.types, name)
    if (like !== undefined && like.name !== name) return new Rejection('name_confusable', [definitionHash(like)])
  }
  const newRuleSets = state.rules.ruleSets.length + 1
  const numbers: number[] = []
  let next = newRuleSets
  for (const name of ruleSets) {
    const skeleton = nameRules.skeleton(name)
    const like = state.rules.ruleSets.find((ruleSet) => nameRules.skeleton(ruleSet.name) === skeleton)
    if (like !== undefined && like.name !== name) return new Rejection('name_confusable', [String(like.id)])
    numbers.push(like?.id ?? next++)
  }
  if (next > newRuleSets && state.phase === 'live') return new Rejection('rules_in_force')
  if (next - 1 > RULE_SETS_MAX) return new Rejection('limit_exceeded', ['ruleSets'])
  return { newRuleSets, ruleSets: numbers, types: missing.map(definitionHash) }
}
