import type { Break } from './break.ts'

const TURNS_TEST = 'test/contracts/replica/turns.test.ts'

/** What holds up the event loop, or others, until it has come to its end. */
export const turnBreaks: readonly Break[] = [
  {
    name: 'a message is read to its end, however much of it is refused',
    file: 'src/gossip/message.ts',
    from: 'if (refused.length === REFUSALS_PER_MESSAGE_MAX) break',
    to: 'if (refused.length < 0) break',
    caughtBy: 'test/gossip/message.test.ts',
  },
  {
    name: 'makes what a party held anew in one turn',
    file: 'src/agreement/history/replay.ts',
    from: 'return yield* adding(emptyAgreement(state.contract, state.ledger.engines, state.ledger.known), inside)',
    to: 'return completed(adding(emptyAgreement(state.contract, state.ledger.engines, state.ledger.known), inside))',
    caughtBy: TURNS_TEST,
  },
  {
    name: 'looks at all that is open between two turns',
    file: 'src/contracts/approvals/approvals.ts',
    from: 'STEPS_AT_ONCE_MAX = 64',
    to: 'STEPS_AT_ONCE_MAX = 1_000_000',
    caughtBy: TURNS_TEST,
  },
  {
    name: 'decides what is open before a confidential value in one turn',
    file: 'src/agreement/foreseen.ts',
    from: 'yield* ledger.engines.deciding(',
    to: 'ledger.engines.decideRequest(',
    caughtBy: TURNS_TEST,
  },
  {
    name: 'compares two templates in one turn',
    file: 'src/aggregates/contract/templates/template-diff.ts',
    from: '    yield\n    const isBelowFresh',
    to: '    const isBelowFresh',
    caughtBy: 'test/aggregates/contract/templates/upgrade.test.ts',
  },
  {
    name: 'builds what is imported in one turn',
    file: 'src/aggregates/contract/templates/built-element.ts',
    from: 'const ELEMENTS_A_STEP = 64',
    to: 'const ELEMENTS_A_STEP = 1_000_000',
    caughtBy: 'test/aggregates/contract/templates/import.test.ts',
  },
  {
    name: 'writes a document that rests in one piece',
    file: 'src/agreement/history/snapshot-text.ts',
    from: 'const ELEMENTS_MAX = 256',
    to: 'const ELEMENTS_MAX = 1_000_000',
    caughtBy: TURNS_TEST,
  },
  {
    name: 'hashes a document that is loaded in one turn',
    file: 'src/aggregates/contract/document/child-tree.ts',
    from: '  if (tree.height === STEP_HEIGHT) yield\n',
    to: '',
    caughtBy: TURNS_TEST,
  },
  {
    name: 'decides a live view for each who asks',
    file: 'src/documents/past/live-view.ts',
    from: '  if (known !== undefined) return known\n',
    to: '',
    caughtBy: TURNS_TEST,
  },
  {
    name: 'who may and who must vote is looked up for nothing',
    file: 'src/aggregates/contract/rules/authority.ts',
    from: 'this.#budget.spend(Math.ceil(rules.length / RULES_PER_STEP)',
    to: 'this.#budget.spend(0',
    caughtBy: 'test/aggregates/contract/rules-under-attack.test.ts',
  },
  {
    name: 'waits for a locked store with the event loop',
    file: 'src/store/sqlite/schema.ts',
    from: 'fileMustExist: true, timeout: busyTimeoutMs',
    to: 'fileMustExist: true, timeout: 10_000 + busyTimeoutMs',
    caughtBy: 'test/store/sqlite/lock.test.ts',
  },
  {
    name: 'folds a batch into the read model in one turn',
    file: 'src/projections/runner.ts',
    from: 'await inTurns(this.#fold.folding(batch), this.#ports.turns)',
    to: 'await inTurns(this.#fold.folding(batch), undefined)',
    caughtBy: 'test/projections/runner.test.ts',
  },
  {
    name: 'folds what one event adds into the read model in one step',
    file: 'src/projections/folding-events.ts',
    from: 'const EVENTS_A_STEP = 64',
    to: 'const EVENTS_A_STEP = 1_000_000',
    caughtBy: 'test/projections/fold.test.ts',
  },
  {
    name: 'takes a document out as a template in one step',
    file: 'src/aggregates/contract/templates/export-template.ts',
    from: 'const STEP = 256',
    to: 'const STEP = 1_000_000',
    caughtBy: 'test/aggregates/contract/templates/import.test.ts',
  },
  {
    name: 'a contract is kept after many statements, however much stands in few',
    file: 'src/contracts/registry/keep-schedule.ts',
    from: ' || since.characters >= CHARACTERS_MAX',
    to: '',
    caughtBy: 'test/contracts/registry/keep-schedule.test.ts',
  },
]
