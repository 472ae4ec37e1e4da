import { publicationWarnings } from '../aggregates/contract/rules/publication-warnings.ts'
import { ruleHash, ruleNumbered } from '../aggregates/contract/rules/rule-book.ts'
import { rulesToPublish } from '../aggregates/contract/rules/rule-commands.ts'
import { type ContractState, membersOf } from '../aggregates/contract/state.ts'
import type { Command } from '../events/commands.ts'
import type { Handle } from '../events/ids.ts'
import { pathOf } from './written-rule.ts'

/** What a publication may do that is not meant; `path`: of the field that gives rights. */
export interface ShownWarning {
  readonly code: 'rule_may_exceed_steps' | 'request_may_exceed_steps' | 'rights_unguarded'
  readonly rule?: number
  readonly path?: string
  readonly steps?: number
  readonly limit?: number
}

/** A publication as it would be with all votes: the document before it, and its command. */
export interface VotedPublication {
  readonly ruleSets: readonly number[]
  readonly document: ContractState
  readonly command: Command
  readonly warnings: readonly ShownWarning[]
}

/**
 * The publication that a request is about: the one that it asks for, or that of the rule set of a rule that it drafts, edits or
 * votes on (of a trigger: of all rule sets). `after`: the document with the request. Undefined where it is about none.
 */
export function publicationOf(commands: readonly Command[], after: ContractState): VotedPublication | undefined {
  const ruleSets = ruleSetsOf(commands, after)
  if (ruleSets === undefined || after.phase === 'live') return undefined
  const members = membersOf(after).map(({ card }) => card.handle)
  const document = votedByAll(after, members)
  const published = rulesToPublish(document, ruleSets)
  return {
    ruleSets,
    document,
    command: {
      type: 'PublishRules',
      ruleSets: [...ruleSets],
      rules: published.map(({ terms }) => ({ rule: terms.id, hash: ruleHash(terms) })),
    },
    warnings: publicationWarnings(published, document).map((warning) => {
      if (!('field' in warning)) return warning
      const { field, ...said } = warning
      return { ...said, path: pathOf(field, document) }
    }),
  }
}

function ruleSetsOf(commands: readonly Command[], { rules }: ContractState): readonly number[] | undefined {
  const known = rules.ruleSets.map(({ id }) => id)
  for (const command of commands) {
    switch (command.type) {
      case 'PublishRules':
        return command.ruleSets.filter((id) => known.includes(id))
      case 'DraftRule':
      case 'EditRule':
        return command.ruleSet === null ? known : [command.ruleSet]
      case 'CastVote': {
        if (!('rule' in command)) break
        const ruleSet = ruleNumbered(rules, command.rule)?.terms.ruleSet
        if (ruleSet !== undefined) return ruleSet === null ? known : [ruleSet]
      }
    }
  }
  return undefined
}

function votedByAll(state: ContractState, members: readonly Handle[]): ContractState {
  const rules = state.rules.rules.map((rule) => ({ ...rule, yes: members }))
  return { ...state, rules: { ...state.rules, rules } }
}
