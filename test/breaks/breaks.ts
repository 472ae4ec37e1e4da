/** A rule of the protocol taken out of the code. */
export interface Break {
  readonly name: string
  readonly file: string
  /** Stands in the file once. */
  readonly from: string
  readonly to: string
  /** The quick test that is there for it; left out: whatever notices first. */
  readonly caughtBy?: string
}

const DECIDE = 'src/aggregates/contract/decide.ts'
const JUDGING = 'src/aggregates/contract/rules/judging.ts'
const REQUEST_RULES = 'src/aggregates/contract/rules/request-rules.ts'
const RULES_TEST = 'test/aggregates/contract/rules.test.ts'
const PARTIES_TEST = 'test/aggregates/contract/rules-and-parties.test.ts'
const SCHEDULES_TEST = 'test/aggregates/contract/rule-schedules.test.ts'
const CHANGE_SETS_TEST = 'test/aggregates/contract/change-sets.test.ts'
const VALUES_TEST = 'test/aggregates/contract/proposals.test.ts'

const AUDIENCES_TEST = 'test/aggregates/contract/audiences.test.ts'
const CONTENTS_TEST = 'test/contracts/contents/contents.test.ts'
const CONFIDENCES_TEST = 'test/contracts/replica/audiences.test.ts'

/** What decides a command, and the test that knows what it does. */
const commands: readonly (readonly [decides: string, caughtBy: string])[] = [
  ['addList(command, state, context)', 'test/aggregates/contract/lists.test.ts'],
  ['addEntry(command, state, context)', 'test/aggregates/contract/lists.test.ts'],
  ['arrangeChildren(command, state, context)', 'test/aggregates/contract/elements.test.ts'],
  ['withdrawChangeSet(command, state, context)', CHANGE_SETS_TEST],
  ['defineType(command, state)', 'test/aggregates/contract/types.test.ts'],
  ['setAudience(command, state, context)', AUDIENCES_TEST],
  ['revealing(command, state, context)', AUDIENCES_TEST],
  ['emptyField(command, state, context)', VALUES_TEST],
  ['withdrawProposal(command, state, context)', VALUES_TEST],
  ['addRuleSet(command, state)', RULES_TEST],
  ['draftRule(command, state, context)', RULES_TEST],
  ['editRule(command, state, context)', RULES_TEST],
  ['removeRule(command, state, context)', 'test/aggregates/contract/rules-under-attack.test.ts'],
  ['publishRules(command, state)', RULES_TEST],
  ['reopenEdit(state, context)', PARTIES_TEST],
]

/** What must not go unnoticed. */
export const breaks: readonly Break[] = [
  {
    name: 'settles without one member',
    file: 'src/agreement/settlement.ts',
    from: 'const limit = Math.min(...members.map(',
    to: 'const limit = Math.min(...members.slice(members.length > 1 ? 1 : 0).map(',
  },
  {
    name: 'settles on answers alone',
    file: 'src/agreement/settlement.ts',
    from: 'const count = countSettled(compared)',
    to: 'const count = Math.max(unsettled.length, countSettled(compared))',
  },
  {
    name: 'counts every head as equal',
    file: 'src/agreement/settlement.ts',
    from: 'head.size === ours.size &&\n      head.root === ours.root &&',
    to: 'head.size === ours.size ||\n      head.root === ours.root ||',
  },
  {
    name: 'takes the time of a request from its author alone',
    file: 'src/agreement/request-time.ts',
    from: '[held, ...answers].map(',
    to: '[held, ...answers].slice(0, 1).map(',
    caughtBy: 'test/agreement/request-time.test.ts',
  },
  {
    name: 'judges a condition on the time only when another input changes',
    file: 'src/aggregates/contract/rules/affected-rules.ts',
    from: 'for (const rule of this.#rules.timedAt.get(way) ?? []) {',
    to: 'for (const rule of this.#rules.timedAt.get(way)?.slice(0, 0) ?? []) {',
    caughtBy: 'test/agreement/request-time.test.ts',
  },
  {
    name: 'agrees to whatever time somebody claims',
    file: 'src/contracts/approvals/claimed-times.ts',
    from: 'TIME_TOLERANCE_MS = 5 * 60_000',
    to: 'TIME_TOLERANCE_MS = 5 * 60_000_000',
    caughtBy: 'test/contracts/approvals/approvals.test.ts',
  },
  {
    name: 'leaves the digest of the answers out',
    file: 'src/agreement/acknowledging.ts',
    from: 'answered: answers.map(({ statement, core }) => ({ handle: statement.party, statement: core })),',
    to: 'answered: answers.slice(0, 0).map(({ statement, core }) => ({ handle: statement.party, statement: core })),',
  },
  {
    name: 'covers by place, whatever the hash',
    file: 'src/agreement/receive.ts',
    from: 'if (named.hash !== place.hash) {',
    to: 'if (named.hash === undefined) {',
  },
  {
    name: 'orders by time of arrival',
    file: 'src/agreement/ledger.ts',
    from: 'while (place > 0 && isBefore(held, ledger.open[place - 1] as VerifiedStatement, ledger)) place--',
    to: 'while (place > ledger.open.length && isBefore(held, ledger.open[place - 1] as VerifiedStatement, ledger)) place--',
  },
  {
    name: 'orders members of one clock by name',
    file: 'src/agreement/ledger.ts',
    from: 'return admissionOf(one.statement.party, ledger) < admissionOf(other.statement.party, ledger)',
    to: 'return one.statement.party > other.statement.party',
  },
  {
    name: 'asks only some of the members for an answer',
    file: 'src/agreement/acknowledging.ts',
    from: 'return members.every(({ card }) => card.handle === party || covers(saidToHold(feeds, card.handle), party, seq))',
    to: 'return members.slice(0, 2).every(({ card }) => card.handle === party || covers(saidToHold(feeds, card.handle), party, seq))',
  },
  {
    name: 'tells a client before its decision is durable',
    file: 'src/contracts/replica/replica-loop.ts',
    from: 'if (await this.parts.writer.commit(',
    to: 'authored?.durable()\n    if (await this.parts.writer.commit(',
  },
  {
    name: 'skips the guard',
    file: 'src/contracts/signing/double-sign-protection.ts',
    from: "if (this.#conflict !== undefined) return 'another_signs'",
    to: 'if (this.#reach !== this.#conflict || true) return undefined',
  },
  {
    name: 'confirms a tentative request before all have answered',
    file: 'src/agreement/confirmable.ts',
    from: 'if (!othersHaveAnswered(state, held, members, party)) return found',
    to: 'if (position > 10 && !othersHaveAnswered(state, held, members, party)) return found',
  },
  {
    name: 'a wrong head counts as a signature under a resignation',
    file: 'src/gossip/exchange.ts',
    from: 'head.size > goneAt && isOurs(head, state)',
    to: 'head.size > goneAt',
  },
  {
    name: 'believes that a peer that was set back still holds what it held',
    file: 'src/gossip/peer-session.ts',
    from: 'this.knowledge.told(contract, {}, [])',
    to: '',
  },
  {
    name: 'speaks as if everything were covered while a person is asked',
    file: 'src/contracts/replica/statement-author.ts',
    from: 'if (!this.#maySpeak(state)) return undefined',
    to: 'if (!this.#maySpeak(held)) return undefined',
  },
  {
    name: 'rotates a key that is being revoked',
    file: 'src/contracts/signing/signing-keys.ts',
    from: 'if (signing === undefined || isBeingRevoked(state, this.#self)) return undefined',
    to: 'if (signing === undefined) return undefined',
  },
  {
    name: 'takes more of a feed whose key is revoked',
    file: 'src/agreement/receive.ts',
    from: 'if (self === undefined) return yield* takeIn',
    to: 'if (self === undefined || self !== undefined) return yield* takeIn',
  },
  {
    name: 'lets through what nothing valid releases',
    file: 'src/agreement/receive.ts',
    from: 'if (further.taken.length > 0 && some.every(({ by }) => isHeld(further.state, by))) return further',
    to: 'if (further.taken.length > 0) return further',
  },
  {
    name: 'an entry that is accepted is not there',
    file: 'src/aggregates/contract/document/changed-document.ts',
    from: 'tree: tree.append(entry),',
    to: 'tree: entry.id.length > 0 ? tree : tree.append(entry),',
  },
  {
    name: 'two entries of a list have one key',
    file: 'src/aggregates/contract/values/list-keys.ts',
    from: 'if (holder !== undefined) return',
    to: 'if (holder === entry.id) return',
  },
  {
    name: 'the values of one entry are those of the next',
    file: 'src/aggregates/contract/document/element.ts',
    from: 'const entry = element.entries.tree.get(ordinal)',
    to: 'const entry = element.entries.tree.get(ordinal + 1) ?? element.entries.tree.get(ordinal)',
  },
  {
    name: 'a prototype counts once, however many entries are made of it',
    file: 'src/aggregates/contract/document/element.ts',
    from: 'return 1 + entriesMax',
    to: 'return entriesMax > 0 ? 1 : 0',
  },
  {
    name: 'a text in a rule can hide what it says',
    file: 'src/aggregates/rules/text/text-literal.ts',
    from: 'literal += nameRules.isRefused(character) ?',
    to: 'literal += character < " " ?',
    caughtBy: 'test/aggregates/rules/print.test.ts',
  },
  {
    name: 'evaluates all rules of a request in one turn',
    file: 'src/aggregates/contract/rules/judging.ts',
    from: '    yield\n    const { budget } = this.#judged',
    to: '    const { budget } = this.#judged',
    caughtBy: 'test/contracts/replica/turns.test.ts',
  },
  {
    name: 'tries a request in one turn',
    file: 'src/agreement/next-verdict.ts',
    from: 'return yield* engines.deciding([...commands], document,',
    to: 'return engines.decideRequest([...commands], document,',
    caughtBy: 'test/contracts/replica/turns.test.ts',
  },
  {
    name: 'binds a role to whoever is no member',
    file: 'src/aggregates/contract/templates/import-template.ts',
    from: 'memberOf(state, bound[role] as Handle) === undefined',
    to: 'bound[role] === undefined',
    caughtBy: 'test/aggregates/contract/templates/import.test.ts',
  },
  {
    name: 'leaves elements of a template out',
    file: 'src/aggregates/contract/templates/built-element.ts',
    from: 'block = withChildIn(block, child.element)',
    to: 'block = place === 0 ? withChildIn(block, child.element) : block',
    caughtBy: 'test/aggregates/contract/templates/import.test.ts',
  },
  {
    name: 'takes other bytes for a template than its hash names',
    file: 'src/aggregates/contract/templates/bring-template.ts',
    from: "if (templateHash(whole) !== hash) return new Rejection('template_unfit', ['hash'])",
    to: '',
    caughtBy: 'test/aggregates/contract/templates/import.test.ts',
  },
  {
    name: 'upgrades what came from a template with one vote',
    file: 'src/aggregates/contract/templates/upgrade-template.ts',
    from: 'const areAll = membersOf(state).every(',
    to: 'const areAll = membersOf(state).some(',
    caughtBy: 'test/aggregates/contract/templates/upgrade.test.ts',
  },
  {
    name: 'keeps the votes on a rule that an upgrade has changed',
    file: 'src/aggregates/contract/templates/upgrade-template.ts',
    from: 'change === undefined && !isNamingOther && !added.includes(rule)',
    to: '!added.includes(rule)',
    caughtBy: 'test/aggregates/contract/templates/upgrade.test.ts',
  },
  {
    name: 'a rule stays with the element that an upgrade has taken out',
    file: 'src/aggregates/contract/templates/upgrade-template.ts',
    from: '!isNamingOther && ',
    to: '',
    caughtBy: 'test/aggregates/contract/templates/upgrade.test.ts',
  },
  {
    name: 'goes through what is no template again and again',
    file: 'src/aggregates/contract/templates/parsed-template.ts',
    from: 'kept.get(hash) ?? faults.get(hash)',
    to: 'kept.get(hash)',
    caughtBy: 'test/aggregates/contract/templates/hostile.test.ts',
  },
  {
    name: 'leaves out of the record hash what came from a template',
    file: 'src/aggregates/contract/templates/template-book.ts',
    from: '    uses,\n  })',
    to: '    uses: [],\n  })',
    caughtBy: 'test/aggregates/contract/templates/import.test.ts',
  },
  {
    name: 'leaves what was computed from an erased value',
    file: 'src/aggregates/contract/erasures.ts',
    from: '[...seals, ...context.computedFrom(new Set(seals))]',
    to: '[...seals]',
    caughtBy: 'test/aggregates/contract/erasures.test.ts',
  },
  {
    name: 'erases with one vote',
    file: 'src/aggregates/contract/erasures.ts',
    from: '!asked.every((member) => votes.includes(member))',
    to: '!asked.some((member) => votes.includes(member))',
    caughtBy: 'test/aggregates/contract/erasures.test.ts',
  },
  {
    name: 'keeps in its store what all have voted to erase',
    file: 'src/contracts/replica/erasing.ts',
    from: 'if (refs.length > 0) await this.#store.payloads.erase(contract, refs)',
    to: 'if (refs.length > 0) await Promise.resolve()',
    caughtBy: 'test/contracts/replica/erasures.test.ts',
  },
  {
    name: 'signs on entries that no head vouches for',
    file: 'src/agreement/state.ts',
    from: 'ledger.lacking !== undefined || ledger.takenUntil > settling.settled',
    to: 'ledger.lacking !== undefined',
    caughtBy: 'test/agreement/erasures.test.ts',
  },
  {
    name: 'takes an entry of other statements',
    file: 'src/agreement/values/known-entries.ts',
    from: 'if (canonicalJson({ answers, author, index, request, statement }) !== canonicalJson(determined)) return undefined',
    to: 'if (index !== determined.index) return undefined',
    caughtBy: 'test/agreement/erasures.test.ts',
  },
  {
    name: 'loads a contract in one turn',
    file: 'src/contracts/replica/opening/load.ts',
    from: 'await withStoredEntries(store, await inTurns(receiving(state, stored), turns), turns)',
    to: 'await withStoredEntries(store, await inTurns(receiving(state, stored), undefined), turns)',
    caughtBy: 'test/contracts/replica/turns.test.ts',
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
    from: 'const done = carryOut(commands, state, context, {',
    to: `for (let count = 1; count < commands.length; count++) {
    const early = decideRequest(commands.slice(0, count), state, context)
    if (early.kind === 'void') return early
  }
  const done = carryOut(commands, state, context, {`,
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
    name: 'leaves the phase out of the record hash',
    file: 'src/aggregates/contract/record-hash.ts',
    from: '    phase,\n',
    to: '',
    caughtBy: 'test/aggregates/contract/record-hash.test.ts',
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
    file: JUDGING,
    from: 'const inputs = reads.map(({ id }) => view.payload(id)?.salt ?? NO_SALT)',
    to: 'const inputs = reads.slice(0, 2).map(({ id }) => view.payload(id)?.salt ?? NO_SALT)',
    caughtBy: RULES_TEST,
  },
  {
    name: 'a vote on a value does nothing',
    file: DECIDE,
    from: ': castVote(command, state, context)',
    to: ': []',
    caughtBy: VALUES_TEST,
  },
  {
    name: 'a vote on a rule does nothing',
    file: DECIDE,
    from: 'return voteOnRule(command, state, context)',
    to: 'return []',
    caughtBy: RULES_TEST,
  },
  {
    name: 'sends a payload outside its audience',
    file: 'src/gossip/disclosure.ts',
    from: 'return isFor(recipients, seal as Hash, peer) && !isLate',
    to: 'return !isLate',
    caughtBy: CONFIDENCES_TEST,
  },
  {
    name: 'gives a confidential value to whoever asks for it',
    file: 'src/gossip/disclosure.ts',
    from: 'if (audience?.parties.includes(peer) !== true) continue',
    to: 'if (audience === undefined) continue',
    caughtBy: CONFIDENCES_TEST,
  },
  {
    name: 'keeps a payload that is for others',
    file: 'src/contracts/replica/inbound/foreign-payloads.ts',
    from: 'if (dropped === undefined) return { ours: decoded, foreign: undefined }',
    to: 'if (dropped === undefined || kept !== payloads) return { ours: decoded, foreign: undefined }',
    caughtBy: CONFIDENCES_TEST,
  },
  {
    name: 'lets a rule read a confidential value',
    file: 'src/aggregates/contract/rules/document-view.ts',
    from: 'agreed !== null && agreed.audience === undefined',
    to: 'agreed !== null',
    caughtBy: AUDIENCES_TEST,
  },
  ...commands.map(([decides, caughtBy]) => ({
    name: `${decides.slice(0, decides.indexOf('('))} does nothing`,
    file: DECIDE,
    from: `return ${decides}`,
    to: 'return []',
    caughtBy,
  })),
  {
    name: 'a change set takes effect before its last vote',
    file: 'src/aggregates/contract/change-sets/change-set.ts',
    from: 'return voters.every((voter) => yes.includes(voter))',
    to: 'return yes.length > 0 || voters.every((voter) => yes.includes(voter))',
    caughtBy: CHANGE_SETS_TEST,
  },
  {
    name: 'a change set takes effect in part',
    file: 'src/aggregates/contract/change-sets/deciding.ts',
    from: '    commands,\n    state,\n    { ...context,',
    to: '    commands.slice(0, 1),\n    state,\n    { ...context,',
    caughtBy: CHANGE_SETS_TEST,
  },
  {
    name: 'a change set in conflict waits on beside the agreed value',
    file: 'src/aggregates/contract/values/proposals.ts',
    from: 'if (isAgreedAsOne && field.agreed !== null)',
    to: 'if (isAgreedAsOne && field.agreed === null)',
    caughtBy: CHANGE_SETS_TEST,
  },
  {
    name: 'an open change set loses its values with the history',
    file: 'src/agreement/history/pruning.ts',
    from: 'ledger.document.changeSets) keep(request.handle, request.seq)',
    to: 'ledger.document.changeSets) keep(request.handle, request.seq + NEWEST_KEPT + 1)',
    caughtBy: 'test/agreement/change-sets.test.ts',
  },
  {
    name: 'a vote on a change set does nothing',
    file: DECIDE,
    from: '? voteOnChangeSet(command, state, context)',
    to: '? []',
    caughtBy: CHANGE_SETS_TEST,
  },
  {
    name: 'who votes on a change set is read from what it makes of the parties',
    file: REQUEST_RULES,
    from: 'const authorities = [...standing, ...unguarded, ...(isThere ? before : [])]',
    to: 'const authorities = isThere ? unguarded : [...standing, ...unguarded, ...before]',
    caughtBy: CHANGE_SETS_TEST,
  },
  {
    name: 'whoever has signed a wrong head owes no other',
    file: 'src/agreement/draft.ts',
    from: 'state.ledger.log.size > (state.settling.signed.get(party) ?? 0)',
    to: 'state.ledger.log.size > (newestOf(state.feeds, party)?.statement.head.size ?? 0)',
    caughtBy: 'test/agreement/vectors.test.ts',
  },
  {
    name: 'who is accused is not shown why',
    file: 'src/gossip/peer-knowledge.ts',
    from: 'return evidence.flatMap(({ party, held, other }) => {',
    to: 'return evidence.flatMap(({ party, held, other }) => {\n      if (party === this.#handle) return []',
    caughtBy: 'test/gossip/peer-knowledge.test.ts',
  },
  {
    name: 'takes a store that can be read for one that can be written to',
    file: 'src/contracts/replica/recovery.ts',
    from: '    this.#isReadable = true',
    to: '    this.#isReadable = true\n    this.#trouble = undefined',
    caughtBy: 'test/contracts/replica/store-outage.test.ts',
  },
  {
    name: 'of a member whose head differs once more nothing is said',
    file: 'src/contracts/obstacles/obstacles.ts',
    from: 'return !isSigned || divergences',
    to: 'return (!isSigned && newest === undefined) || divergences',
    caughtBy: 'test/contracts/obstacles/obstacles.test.ts',
  },
  {
    name: 'a half of the clocks is most of them',
    file: 'src/node/observability/clock-offset.ts',
    from: 'return Math.abs(lower) < Math.abs(upper) ? lower : upper',
    to: 'return Math.abs(lower) < Math.abs(upper) && sorted.length % 2 === 1 ? lower : upper',
    caughtBy: 'test/contracts/obstacles/obstacles.test.ts',
  },
  {
    name: 'keeps a certificate that is not valid yet',
    file: 'src/node/outward/certificate-renewal.ts',
    from: 'return now < from || now >= from',
    to: 'return now >= from',
    caughtBy: 'test/node/outward/certificate-renewal.test.ts',
  },
  {
    name: 'a piece of an attachment is taken unverified',
    file: 'src/merkle/content-tree.ts',
    from: 'verifyInclusion({ leaf, index, size, proof, root: content.hash })',
    to: 'verifyInclusion({ leaf, index: 0, size: 1, proof: [], root: hashFromBytes(leaf) })',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'takes away what stands where a void request names it once more',
    file: 'src/contracts/contents/content-log.ts',
    from: 'return statements?.size === 0',
    to: 'return statements !== undefined',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'never lets go what a statement names twice in vain',
    file: 'src/contracts/contents/content-sources.ts',
    from: '!inVain.has(requestKey({ handle, index: other, seq }))',
    to: 'other !== index',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'an attachment is given to whoever asks',
    file: 'src/contracts/contents/piece-lines.ts',
    from: ' || !mayHave(state, held, name, peer, now)',
    to: '',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'a request is acknowledged before its attachment is complete',
    file: 'src/contracts/approvals/value-grounds.ts',
    from: 'const contents = this.#contents.lackedIn(asked.held, asked.request)',
    to: 'const contents = this.#contents.lackedIn(asked.held, asked.request).slice(0, 0)',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'an attachment that was cut off begins anew',
    file: 'src/contracts/contents/unfinished-content.ts',
    from: 'this.#leaves = new Map(held)',
    to: 'this.#leaves = new Map([...held].slice(0, 0))',
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'bytes that came to nothing are kept',
    file: 'src/contracts/contents/contents.ts',
    from: "if (outcome.kind !== 'accepted') {",
    to: "if (outcome.kind === 'accepted') {",
    caughtBy: CONTENTS_TEST,
  },
  {
    name: 'whoever brings a little of an attachment is waited for, for ever',
    file: 'src/contracts/contents/content-waits.ts',
    from: 'wait.leftMs -= pauseMs',
    to: 'wait.leftMs -= 0',
    caughtBy: 'test/contracts/contents/content-room.test.ts',
  },
  {
    name: 'an attachment is of any type',
    file: 'src/events/attachments/attachment.ts',
    from: 'type: Type.Enum([...mediaTypes]),',
    to: 'type: Type.String(),',
    caughtBy: 'test/aggregates/contract/attachments.test.ts',
  },
]
