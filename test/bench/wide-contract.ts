import { recordHash } from '../../src/aggregates/contract/record-hash.ts'
import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { schemaOf } from '../../src/aggregates/contract/rules/rule-schema.ts'
import { compile, isCompiled } from '../../src/aggregates/rules/compile.ts'
import { nextVerdict } from '../../src/agreement/next-verdict.ts'
import type { Command } from '../../src/events/commands.ts'
import { type ElementId, ROOT } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { completed } from '../../src/runtime/turns.ts'
import { market, owes, type Player, type Command as SentCommand } from '../support/market.ts'
import { middle } from './rule-language.ts'

/** Fields of the narrow contract, and of the wide one. */
const NARROW = 100
const WIDE = 10_000
const FIELDS_A_BLOCK = 100
const RULES = 500
/** Of these that read the field that is proposed in, the last one computes another. */
const READING = 5
const COMMANDS_A_REQUEST = 500

export interface WideExtent {
  readonly rounds: number
  readonly changesEach: number
  /** Fields of one block, few and many, among which the hash of the record is computed. */
  readonly fieldsHashed: readonly [few: number, many: number]
}

export interface WideFigures {
  /** Microseconds of the processor, on the narrow contract, and how many times that on the wide one with its rules: in each round. */
  readonly change: number
  readonly changeRatio: readonly number[]
  readonly decision: number
  readonly decisionRatio: readonly number[]
  /** Of the hash of the record after one value, among few fields and among many in one block. */
  readonly fieldsHashed: readonly [few: number, many: number]
  readonly hash: number
  readonly hashRatio: readonly number[]
}

/** In turns: a proposal on a contract of 100 fields without rules, and on one of 10,000 fields with 500 rules of which 5 read the field. */
export function measureWide({ rounds, changesEach, fieldsHashed }: WideExtent): WideFigures {
  const narrow = new Two(NARROW, 0)
  const wide = new Two(WIDE, RULES)
  const change = ratios(rounds, changesEach, narrow.change, wide.change)
  const decision = ratios(rounds, changesEach * 5, narrow.decision, wide.decision)
  const [few, many] = fieldsHashed.map((count) => new Two(count, 0, count)) as [Two, Two]
  const hash = ratios(rounds, changesEach * 5, few.decision, many.decision)
  return {
    change: change.one,
    changeRatio: change.ratios,
    decision: decision.one,
    decisionRatio: decision.ratios,
    fieldsHashed,
    hash: hash.one,
    hashRatio: hash.ratios,
  }
}

function ratios(rounds: number, runs: number, one: () => void, other: () => void) {
  const spent = [one, other].map((run) => microseconds(run, runs))
  const measured = Array.from({ length: rounds }, () => [microseconds(one, runs), microseconds(other, runs)] as const)
  return {
    one: Math.min(spent[0] as number, middle(measured.map(([ours]) => ours))),
    ratios: measured.map(([ours, others]) => others / ours),
  }
}

function microseconds(run: () => void, runs: number): number {
  const start = process.cpuUsage()
  for (let count = 0; count < runs; count++) run()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / runs
}

/** Two members of one contract, in pure code. */
class Two {
  readonly #parties: readonly [Player, Player]
  readonly #field: ElementId
  #turn = 0

  constructor(fields: number, rules: number, perBlock = FIELDS_A_BLOCK) {
    this.#parties = market('ana', 'ben')
    const [ana, ben] = this.#parties
    // Beside the two fields that every market has.
    const blocks = Math.ceil(fields / perBlock)
    const block = (n: number) => `0.${2 + n}`
    this.#order(
      ana,
      Array.from({ length: blocks }, (_, n) => ({ type: 'AddBlock', parent: ROOT, name: `Block ${n}` })),
    )
    for (let n = 0; n < blocks; n++) {
      const added = Array.from({ length: perBlock }, (_, place) => {
        return { type: 'AddField', parent: block(n), name: `Field ${place}`, field: { type: 'decimal' } }
      })
      this.#order(ana, added)
    }
    this.#field = `${block(0)}.0` as ElementId
    if (rules > 0) this.#publish(ana, ben, rules)
  }

  /** Proposed, signed, taken in by the other, and settled at both. */
  readonly change = (): void => {
    const [ana, ben] = this.#parties
    ben.hears(ana.proposes(this.#field, this.#next()))
    this.#settle()
  }

  /** What a member's node works out for it: the outcome, and the hash of the record. */
  readonly decision = (): void => {
    const [ana] = this.#parties
    const { payload, seal: sealed } = seal(this.#next(), new Uint8Array(16))
    const command: Command = { type: 'ProposeValue', field: this.#field, seal: sealed, basis: [] }
    const verdict = completed(nextVerdict([command], { [sealed]: payload }, ana.state, ana.handle))
    if (verdict.kind !== 'accepted') throw new Error(JSON.stringify(verdict))
    recordHash(verdict.state)
  }

  #next(): string {
    return String((this.#turn++ % 1_000) + 1)
  }

  #publish(ana: Player, ben: Player, rules: number): void {
    const { document } = ana.state.ledger
    const schema = schemaOf(document)
    const block = '0.2' as ElementId
    const tree = (text: string) => {
      const compiled = compile(text, schema, { block })
      if (!isCompiled(compiled)) throw new Error(`${text}: ${compiled[0]?.message}`)
      return compiled.ast
    }
    const constraint = (text: string) => ({ kind: 'constraint', condition: tree(text), severity: 'reject' })
    const reading = Array.from({ length: READING - 1 }, (_, n) => constraint(`\`Field 0\` > ${-n - 1}`))
    const target = `${block}.1`
    const computing = { kind: 'assignment', target, expression: tree('`Field 0` * 2') }
    const others = Array.from({ length: rules - READING }, (_, n) => {
      const name = (place: number) => `_.\`Block ${place % 100}\`.\`Field ${2 + (place % 98)}\``
      return constraint(`${name(n)} + ${name(n + 7)} >= 0`)
    })
    this.#order(ana, [{ type: 'AddRuleSet', name: 'Terms' }])
    const drafts = [...reading, computing, ...others].map((body) => ({
      type: 'DraftRule',
      at: block,
      ruleSet: 1,
      body,
    }))
    this.#order(ana, drafts, 50)
    const named = ana.state.ledger.document.rules.rules.map(({ terms }) => ({ rule: terms.id, hash: ruleHash(terms) }))
    this.#order(
      ben,
      named.map((rule) => ({ type: 'CastVote', ...rule, vote: 'yes' })),
    )
    this.#order(ana, [{ type: 'PublishRules', ruleSets: [1], rules: named }])
    if (ana.state.ledger.document.phase !== 'live') throw new Error('the rules are not in force')
  }

  #order(author: Player, commands: readonly SentCommand[], each = COMMANDS_A_REQUEST): void {
    for (let from = 0; from < commands.length; from += each) {
      const said = author.requests(...commands.slice(from, from + each))
      for (const party of this.#parties) if (party !== author) party.hears(said)
      this.#settle()
    }
  }

  #settle(): void {
    for (let next = this.#parties.find(owes); next !== undefined; next = this.#parties.find(owes)) {
      const said = next.says()
      for (const party of this.#parties) if (party !== next) party.hears(said)
    }
  }
}
