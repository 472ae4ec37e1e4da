import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { schemaOf } from '../../src/aggregates/contract/rules/rule-schema.ts'
import { compile, isCompiled } from '../../src/aggregates/rules/compile.ts'
import { ROOT } from '../../src/events/ids.ts'
import { assert } from '../../src/runtime/assert.ts'
import { market, ordersAmong, type Player, type PlayerEach } from './market.ts'

export interface RuledMarket<Handles extends readonly unknown[] = readonly unknown[]> {
  /** In the order of their admission. */
  readonly players: PlayerEach<Handles>
  readonly founder: Player
}

/** A condition, at the root where nothing else is said, or a rule of another kind. */
type InForce = string | { readonly at: string; readonly says: string } | { readonly at: string; readonly body: object }

/** A market in which these rules are in force. */
export function ruledMarket<const Handles extends readonly string[]>(
  handles: Handles,
  ...rulesInForce: readonly InForce[]
): RuledMarket<Handles> {
  const players = market(...handles) as PlayerEach<Handles>
  const [founder, ...others] = players as readonly Player[] as [Player, ...Player[]]
  const orders = ordersAmong(players)
  orders(founder, { type: 'AddRuleSet', name: 'Terms' })
  for (const written of rulesInForce) {
    const rule = typeof written === 'string' ? { at: '0', says: written } : written
    const { at } = rule
    const constraint = (says: string) => ({ kind: 'constraint', severity: 'reject', condition: treeOf(says, founder) })
    const body = 'body' in rule ? rule.body : constraint(rule.says)
    orders(founder, { type: 'DraftRule', at, ruleSet: 1, body })
  }
  const drafts = founder.state.ledger.document.rules.rules
  const rules = drafts.map(({ terms }) => ({ rule: terms.id, hash: ruleHash(terms) }))
  for (const other of others) {
    for (const { rule, hash } of rules) orders(other, { type: 'CastVote', rule, hash, vote: 'yes' })
  }
  orders(founder, { type: 'PublishRules', ruleSets: [1], rules })
  assert(founder.state.ledger.document.phase === 'live', 'given: the rules are in force')
  return { players, founder }
}

/** As the document of a player has it, at the root. */
export function treeOf(text: string, { state }: Player) {
  const compiled = compile(text, schemaOf(state.ledger.document), { block: ROOT })
  assert(isCompiled(compiled), text)
  return compiled.ast
}
