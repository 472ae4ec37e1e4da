/** A rule of the protocol taken out of the code. */
export interface Break {
  readonly name: string
  readonly file: string
  /** Stands in the file once. */
  readonly from: string
  readonly to: string
}

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
    name: 'leaves the digest of the answers out',
    file: 'src/agreement/ledger.ts',
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
    file: 'src/agreement/ledger.ts',
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
    from: 'if (self === undefined) return takeIn',
    to: 'if (self === undefined || self !== undefined) return takeIn',
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
]
