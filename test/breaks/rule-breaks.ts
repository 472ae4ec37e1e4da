import type { Break } from './break.ts'
import { DECIDE } from './command-breaks.ts'

const JUDGING = 'src/aggregates/contract/rules/judging.ts'
const REQUEST_RULES = 'src/aggregates/contract/rules/request-rules.ts'
const RULES_TEST = 'test/aggregates/contract/rules.test.ts'
const PARTIES_TEST = 'test/aggregates/contract/rules-and-parties.test.ts'
const NEVER_VOID_TEST = 'test/aggregates/contract/never-void.test.ts'
const SCHEDULES_TEST = 'test/aggregates/contract/rule-schedules.test.ts'
const CHANGE_SETS_TEST = 'test/aggregates/contract/change-sets.test.ts'
const ENTRIES_TEST = 'test/aggregates/contract/rules-in-entries.test.ts'

/** What rules say, when they judge, and who may write and who must vote. */
export const ruleBreaks: readonly Break[] = [
  {
    name: 'judges a condition on the time only when another input changes',
    file: 'src/aggregates/contract/rules/affected-rules.ts',
    from: 'for (const rule of this.#rules.timedAt.get(way) ?? []) {',
    to: 'for (const rule of this.#rules.timedAt.get(way)?.slice(0, 0) ?? []) {',
    caughtBy: 'test/agreement/request-time.test.ts',
  },
  {
    name: 'a text in a rule can hide what it says',
    file: 'src/aggregates/rules/text/text-literal.ts',
    from: 'literal += nameRules.isRefused(character) ?',
    to: 'literal += character < " " ?',
    caughtBy: 'test/aggregates/rules/print.test.ts',
  },
  {
    name: 'counts a power as any other operation',
    file: 'src/aggregates/rules/evaluate.ts',
    from: 'this.#take(powerSteps(left, right))',
    to: 'this.#take(0)',
    caughtBy: 'test/aggregates/rules/evaluate.test.ts',
  },
  {
    name: 'judges a constraint before the last command',
    file: DECIDE,
    from: 'const done = yield* carryOut(commands, state, context, {',
    to: `for (let count = 1; count < commands.length; count++) {
    const early = decideRequest(commands.slice(0, count), state, context)
    if (early.kind === 'void') return early
  }
  const done = yield* carryOut(commands, state, context, {`,
    caughtBy: RULES_TEST,
  },
  {
    name: 'judges what becomes agreed now, and not what would with all votes',
    file: REQUEST_RULES,
    from: 'const wishful = withCandidatesAgreed(state, made, context)',
    to: 'const wishful = commands.length > 0 ? undefined : withCandidatesAgreed(state, made, context)',
    caughtBy: PARTIES_TEST,
  },
  {
    name: 'judges what would be with all votes, and not what becomes agreed now',
    file: REQUEST_RULES,
    from: 'const judgement = yield* judging(state, changed, {',
    to: `const hoped = withCandidatesAgreed(state, made, context)
    const judgement = yield* judging(hoped?.state ?? state, { ...changed, fields: new Set([...changed.fields, ...(hoped?.fields ?? [])]) }, {`,
    caughtBy: PARTIES_TEST,
  },
  {
    name: 'has room for whatever follows from a resignation',
    file: 'src/aggregates/contract/entry-room.ts',
    from: 'if (this.#events + events.length > ENTRY_EVENTS_MAX || this.#bytes + bytes > this.#bytesMax) {',
    to: 'if (this.#bytesMax < 0) {',
    caughtBy: NEVER_VOID_TEST,
  },
  {
    name: 'says beyond all room that a rule is judged everywhere again',
    file: JUDGING,
    from: 'this.#emitIfRoom(flagged(terms.id, block, false))',
    to: 'this.#emit(flagged(terms.id, block, false))',
    caughtBy: NEVER_VOID_TEST,
  },
  {
    name: 'flags are indexed anew for each that is added',
    file: 'src/aggregates/contract/rules/flags.ts',
    from: 'if (known !== undefined) places.set(after, known.add(',
    to: 'if (known === places) places.set(after, known.add(',
    caughtBy: 'test/aggregates/contract/flags.test.ts',
  },
  {
    name: 'does not flag a rule that had no room after a resignation',
    file: JUDGING,
    from: 'if (this.#judged.room?.marks.takes(mark)) this.#emit(mark)',
    to: 'if (this.#judged.room === undefined) this.#emit(mark)',
    caughtBy: NEVER_VOID_TEST,
  },
  {
    name: 'assigns by the numbers of the rules',
    file: JUDGING,
    from: 'for (const node of this.#rules.order) {',
    to: 'for (const node of this.#rules.order.toSorted((one, other) => (one.rule?.terms.id ?? 0) - (other.rule?.terms.id ?? 0))) {',
    caughtBy: RULES_TEST,
  },
  {
    name: 'counts a vote on a rule whatever hash it names',
    file: 'src/aggregates/contract/rules/rule-commands.ts',
    from: "if (ruleHash(rule.terms) !== hash) return new Rejection('rule_changed', [String(id)])",
    to: '',
    caughtBy: RULES_TEST,
  },
  {
    name: 'publishes a rule whatever hash is named',
    file: 'src/aggregates/contract/rules/rule-commands.ts',
    from: "if (changed !== undefined) return new Rejection('rule_changed', [String(changed.terms.id)])",
    to: '',
    caughtBy: RULES_TEST,
  },
  {
    name: 'leaves out of a vote whoever is asked by what the request itself switches on',
    file: 'src/aggregates/contract/decide.ts',
    from: 'if (!asksMore) return verdict',
    to: 'return verdict',
    caughtBy: SCHEDULES_TEST,
  },
  {
    name: 'lets anybody write into a block that its request switches on',
    file: 'src/aggregates/contract/rules/authority.ts',
    from: 'const state = withPlaceOn(this.#state, element)',
    to: 'const state = this.#state',
    caughtBy: SCHEDULES_TEST,
  },
  {
    name: 'reads who must vote at the last YES',
    file: 'src/aggregates/contract/values/proposals.ts',
    from: "if (isInConflict(candidate)) return new Rejection('no_vote_asked')",
    to: `if (isInConflict(candidate)) return new Rejection('no_vote_asked')
  candidate.voters = arguments[2].authority?.votersOn(id, candidate.by) ?? candidate.voters`,
    caughtBy: SCHEDULES_TEST,
  },
  {
    name: 'salts a computed value with the inputs that were looked at',
    file: 'src/aggregates/contract/rules/computed-inputs.ts',
    from: 'const inputs = reads.map(({ id }) => view.payload(id)?.salt ?? NO_SALT)',
    to: 'const inputs = reads.slice(0, 2).map(({ id }) => view.payload(id)?.salt ?? NO_SALT)',
    caughtBy: RULES_TEST,
  },
  {
    name: 'reads a list of fields without what its entries hold',
    file: 'src/aggregates/rules/references.ts',
    from: 'if (entry !== undefined) add(entry, true)',
    to: 'if (entry === undefined) add(node[1], true)',
    caughtBy: RULES_TEST,
  },
  {
    name: 'parses a long condition on list items with all that is around it',
    file: 'src/aggregates/rules/text/segments.ts',
    from: '(isQuantified && starts.length > 1)',
    to: 'isQuantified',
    caughtBy: 'test/aggregates/rules/print.test.ts',
  },
  {
    name: 'reads the entry around a rule from the root',
    file: 'src/aggregates/rules/program.ts',
    from: "return entry === undefined ? { id, from: 'root' }",
    to: "return entry === undefined || !isWithin(id, block) ? { id, from: 'root' }",
    caughtBy: ENTRIES_TEST,
  },
  {
    name: 'does not judge a rule where the entry around it has changed',
    file: 'src/aggregates/contract/rules/affected-rules.ts',
    from: 'for (const place of instancesOf(state, rule.block, part)) this.#mark(rule, place)\n  }\n\n  fieldChanged',
    to: 'if (part.under !== changed) this.#requiredChanged(part.of)\n  }\n\n  fieldChanged',
    caughtBy: ENTRIES_TEST,
  },
  {
    name: 'computes in all entries what one of them has changed',
    file: 'src/aggregates/contract/rules/affected-rules.ts',
    from: 'if (entry === undefined) {',
    to: 'if (entry === undefined || entry !== rule.block) {',
    caughtBy: ENTRIES_TEST,
  },
  {
    name: 'salts a computed value by the entries of all that are around it',
    file: 'src/aggregates/contract/rules/computed-inputs.ts',
    from: 'const entry = from === undefined ? undefined : sharedEntry(from, lists)',
    to: 'const entry = from === undefined ? undefined : sharedEntry(from, lists.slice(-1))',
    caughtBy: ENTRIES_TEST,
  },
  {
    name: 'computes all entries anew when one comes',
    file: 'src/aggregates/contract/rules/affected-rules.ts',
    from: 'if (!isOwn && isWithin(id, schemaId)) this.#markWhereRead(state, rule, from, list)',
    to: "if (isWithin(id, schemaId)) this.#mark(rule, 'all')",
    caughtBy: ENTRIES_TEST,
  },
  {
    name: 'a rule of a list of fields is that of the list',
    file: 'src/aggregates/contract/rules/compiled-rule.ts',
    from: "return find(state, parent)?.kind === 'list' ? id : parent",
    to: 'return find(state, parent) === undefined ? id : parent',
    caughtBy: ENTRIES_TEST,
  },
  {
    name: 'what counts a list of fields reads them',
    file: 'src/aggregates/rules/references.ts',
    from: 'counted.has(place) ? undefined : entryFieldOf',
    to: 'counted.has(-place) ? undefined : entryFieldOf',
    caughtBy: ENTRIES_TEST,
  },
  {
    name: 'prints a difference of differences as another one',
    file: 'src/aggregates/rules/text/print.ts',
    from: 'this.#operand(node[2], tighter)',
    to: 'this.#operand(node[2], binding)',
    caughtBy: 'test/aggregates/rules/print.test.ts',
  },
  {
    name: 'a recipe says another thing than it is there for',
    file: 'docs/rules.md',
    from: '`Expiry <= Inception + @"P1Y"`',
    to: '`Expiry < Inception + @"P1Y"`',
    caughtBy: 'test/docs/rule-recipes.test.ts',
  },
  {
    name: 'a worked contract computes its brokerage to a tenth of a cent',
    file: 'src/scenario/reinsurance-slip.json',
    from: 'decimal(Premium * `Brokerage Rate` / 100, 2)',
    to: 'decimal(Premium * `Brokerage Rate` / 100, 1)',
    caughtBy: 'test/scenario/worked-contracts.test.ts',
  },
  {
    name: 'who votes on a change set is read from what it makes of the parties',
    file: REQUEST_RULES,
    from: 'for (const one of [...standing, ...unguarded, ...(isThere ? before : [])]) {',
    to: 'for (const one of isThere ? unguarded : [...standing, ...unguarded, ...before]) {',
    caughtBy: CHANGE_SETS_TEST,
  },
]
