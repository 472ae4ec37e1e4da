import { utf8Length } from '../../../crypto/bytes.ts'
import { canonicalJson } from '../../../crypto/canonical-json.ts'
import type { CommandOf } from '../../../events/commands.ts'
import type { ContractEvent } from '../../../events/contract-events.ts'
import { type Handle, ROOT } from '../../../events/ids.ts'
import { nameRules } from '../../names/engine-1.ts'
import type { CommandOutcome, DecideContext } from '../decider.ts'
import { unfitName } from '../document/elements.ts'
import { Rejection } from '../rejection.ts'
import { type ContractState, find, membersOf } from '../state.ts'
import { compiledRule } from './compiled-rule.ts'
import { type Rule, type RuleTerms, ruleHash, ruleNumbered, ruleSetNumbered } from './rule-book.ts'

/** Fixed for engine 1: a publication names each rule. */
export const RULES_MAX = 4096
export const RULE_SETS_MAX = 256

/** Which rule sets a contract has is for anybody to add to; what counts is which are published. */
export function addRuleSet({ name }: CommandOf<'AddRuleSet'>, state: ContractState): CommandOutcome {
  if (state.phase === 'live') return new Rejection('rules_in_force')
  const { ruleSets } = state.rules
  if (ruleSets.length >= RULE_SETS_MAX) return new Rejection('limit_exceeded', ['ruleSets'])
  const unfit = unfitName(name, state)
  if (unfit !== undefined) return unfit
  const twin = ruleSets.find((ruleSet) => nameRules.skeleton(ruleSet.name) === nameRules.skeleton(name))
  if (twin !== undefined) return new Rejection(twin.name === name ? 'name_taken' : 'name_confusable', [String(twin.id)])
  return [{ name, ruleSet: ruleSets.length + 1, type: 'RuleSetAdded' }]
}

export function draftRule(
  command: CommandOf<'DraftRule'>,
  state: ContractState,
  context: DecideContext,
): CommandOutcome {
  if (state.phase === 'live') return new Rejection('rules_in_force')
  const { at, ruleSet, body, about } = command
  if (state.rules.rules.length >= RULES_MAX) return new Rejection('limit_exceeded', ['rules'])
  const rule = state.rules.nextRule
  const problem = termsProblem({ id: rule, at, ruleSet, body }, state, context)
  return problem ?? [{ ...(about && { about }), at, body, by: context.author, rule, ruleSet, type: 'RuleDrafted' }]
}

/** By whoever could draft it. */
export function editRule(command: CommandOf<'EditRule'>, state: ContractState, context: DecideContext): CommandOutcome {
  if (state.phase === 'live') return new Rejection('rules_in_force')
  const { rule, ruleSet, body, about } = command
  const before = ruleNumbered(state.rules, rule)
  if (before === undefined) return new Rejection('no_such_rule', [String(rule)])
  const { at } = before.terms
  const problem = termsProblem({ id: rule, at, ruleSet, body }, state, context)
  return problem ?? [{ ...(about && { about }), at, body, by: context.author, rule, ruleSet, type: 'RuleEdited' }]
}

export function removeRule(
  { rule }: CommandOf<'RemoveRule'>,
  state: ContractState,
  context: DecideContext,
): CommandOutcome {
  if (state.phase === 'live') return new Rejection('rules_in_force')
  const before = ruleNumbered(state.rules, rule)
  if (before === undefined) return new Rejection('no_such_rule', [String(rule)])
  // Where its place is gone, it is nobody's.
  const isOrphaned = find(state, before.terms.at) === undefined
  const problem = isOrphaned ? undefined : ownerProblem(before.terms, state, context.author)
  return problem ?? [{ rule, type: 'RuleRemoved' }]
}

/** Who drafts a rule, or edits it, has said YES to it. */
export function voteOnRule(
  { rule: id, hash, vote, about }: Extract<CommandOf<'CastVote'>, { rule: number }>,
  state: ContractState,
  { author: by }: DecideContext,
): CommandOutcome {
  if (state.phase === 'live') return new Rejection('rules_in_force')
  const rule = ruleNumbered(state.rules, id)
  if (rule === undefined) return new Rejection('no_such_rule', [String(id)])
  if (ruleHash(rule.terms) !== hash) return new Rejection('rule_changed', [String(id)])
  if (vote === 'yes' && hasSaidYes(rule, by)) return new Rejection('already_voted')
  return [{ ...(about && { about }), by, hash, rule: id, type: 'RuleVoteCast', vote }]
}

/** The rules that a publication of these rule sets puts into force, in the order of their numbers. */
export function rulesToPublish({ rules }: ContractState, ruleSets: readonly number[]): readonly Rule[] {
  return rules.rules.filter(({ terms }) => terms.ruleSet === null || ruleSets.includes(terms.ruleSet))
}

/** All or none; whether the document keeps them is judged with the request (judging.ts). */
export function publishRules(command: CommandOf<'PublishRules'>, state: ContractState): CommandOutcome {
  if (state.phase === 'live') return new Rejection('rules_in_force')
  for (const id of command.ruleSets) {
    if (ruleSetNumbered(state.rules, id) === undefined) return new Rejection('no_such_rule_set', [String(id)])
  }
  const published = rulesToPublish(state, command.ruleSets)
  const named = new Map(command.rules.map(({ rule, hash }) => [rule, hash]))
  const unnamed = published.find(({ terms }) => !named.has(terms.id))
  if (unnamed !== undefined) return new Rejection('rules_named_unfit', [String(unnamed.terms.id)])
  // What is named besides, or twice, says that something else was meant.
  if (command.rules.length !== published.length) return new Rejection('rules_named_unfit')
  const changed = published.find(({ terms }) => named.get(terms.id) !== ruleHash(terms))
  if (changed !== undefined) return new Rejection('rule_changed', [String(changed.terms.id)])
  const members = membersOf(state).map(({ card }) => card.handle)
  for (const rule of published) {
    const missing = members.filter((member) => !hasSaidYes(rule, member))
    if (missing.length > 0) return new Rejection('rule_vote_missing', [String(rule.terms.id), ...missing])
  }
  return [{ ruleSets: command.ruleSets.toSorted((one, other) => one - other), type: 'RulesPublished' }]
}

/** The author's vote; with that of the last member no rule is in force any more. */
export function reopenEdit(state: ContractState, { author: by }: DecideContext): CommandOutcome {
  if (state.phase === 'edit') return new Rejection('no_rules_in_force')
  const { reopenVotes } = state.rules
  if (reopenVotes.includes(by)) return new Rejection('already_voted')
  return [{ by, type: 'ReopenVoted' }, ...reopenedBy([...reopenVotes, by], state)]
}

/** The vote that was missing may have been that of the member that goes. */
export function reopenAfterResignation(state: ContractState, gone: Handle): ContractEvent[] {
  const { reopenVotes } = state.rules
  return reopenVotes.length === 0 ? [] : reopenedBy(reopenVotes, state, gone)
}

function reopenedBy(votes: readonly Handle[], state: ContractState, gone?: Handle): ContractEvent[] {
  const asked = membersOf(state).filter(({ card }) => card.handle !== gone)
  const areAll = asked.length > 0 && asked.every(({ card }) => votes.includes(card.handle))
  return areAll ? [{ type: 'EditReopened' }] : []
}

function hasSaidYes({ by, yes }: Rule, member: Handle): boolean {
  return by === member || yes.includes(member)
}

function termsProblem(terms: RuleTerms, state: ContractState, { author }: DecideContext): Rejection | undefined {
  const owned = ownerProblem(terms, state, author)
  if (owned !== undefined) return owned
  if ((terms.ruleSet === null) !== (terms.body.kind === 'trigger')) return new Rejection('rule_unfit', ['rule_set'])
  if (terms.ruleSet !== null && ruleSetNumbered(state.rules, terms.ruleSet) === undefined) {
    return new Rejection('no_such_rule_set', [String(terms.ruleSet)])
  }
  if (utf8Length(canonicalJson(terms.body)) > state.limits.ruleBytes)
    return new Rejection('limit_exceeded', ['ruleBytes'])
  const compiled = compiledRule(terms, state)
  return compiled.kind === 'unfit' ? new Rejection('rule_unfit', [compiled.why]) : undefined
}

/** Drafted, edited and removed by the owner of its place, and by anybody where that is shared. */
function ownerProblem({ at }: RuleTerms, state: ContractState, author: Handle): Rejection | undefined {
  const element = find(state, at)
  if (element === undefined) return new Rejection('no_such_element', [at])
  if (at === ROOT || element.owner === null || element.owner === author) return undefined
  return new Rejection('not_owner', [element.owner])
}
