import type { Break } from './break.ts'

const ESDB_ERASURE_TEST = 'test/store/eventstoredb/erasure.test.ts'
const GAPS_TEST = 'test/simulation/cases/gaps.test.ts'
const VALUE_WAITS_TEST = 'test/contracts/approvals/value-waits.test.ts'

/** What becomes durable in which order, on which store, and what a process does after a failed write. */
export const storeBreaks: readonly Break[] = [
  {
    name: 'confirms a request of which it has lost a value',
    file: 'src/agreement/confirmable.ts',
    from: 'if (author !== party || takesLostValue(state, held, ref)) return found',
    to: 'if (author !== party) return found',
    caughtBy: VALUE_WAITS_TEST,
  },
  {
    name: 'waits for good for a lost value of its own request',
    file: 'src/contracts/requests/decisions.ts',
    from: 'whyWithdraw(key, request) ?? whenLost(state, request, awaitsValues)',
    to: 'whyWithdraw(key, request)',
    caughtBy: VALUE_WAITS_TEST,
  },
  {
    name: 'takes a value for held that another statement of its author has in the store',
    file: 'src/store/payload-group.ts',
    from: 'const round = met.get(ref.seal) ?? 0',
    to: 'const round = 0',
    caughtBy: 'test/contracts/replica/journal.test.ts',
  },
  {
    name: 'erases in EventStoreDB without another event behind',
    file: 'src/store/eventstoredb/payload-streams.ts',
    from: "const start = hasWhatGoes ? await this.#append(stream, standing, 'rewritten', kept, ERASE) : (rewrittenAt ?? 0)",
    to: 'const start = hasWhatGoes ? (standing.last ?? 0) + 1 : (rewrittenAt ?? 0)',
    caughtBy: ESDB_ERASURE_TEST,
  },
  {
    name: 'what the client of EventStoreDB throws outside of a call ends the process',
    file: 'src/store/eventstoredb/client-faults.ts',
    from: "if (!process.listeners('uncaughtException').includes(judge)) process.on('uncaughtException', judge)",
    to: '',
    caughtBy: 'test/store/eventstoredb/quorum.test.ts',
  },
  {
    name: 'two processes append under one event id',
    file: 'src/store/eventstoredb/event-log.ts',
    from: 'const named = events.map((event) => ({ ...event, id: randomUUID() }))',
    to: "const named = events.map((event, at) => ({ ...event, id: '00000000-0000-4000-8000-' + String(at + 1 + Number(expectedRevision)).padStart(12, '0') }))",
    caughtBy: 'test/store/eventstoredb/faults.test.ts',
  },
  {
    name: 'of several servers in one address to be discovered the first is asked',
    file: 'src/store/eventstoredb/connection.ts',
    from: "if (scheme.includes('discover') && hosts.includes(',')) {",
    to: "if (scheme.includes('discover') && hosts === ',') {",
    caughtBy: 'test/store/eventstoredb/cluster.test.ts',
  },
  {
    name: 'a password of the store may be any',
    file: 'src/store/eventstoredb/setup.ts',
    from: 'const problem = passwordProblem(password)\n',
    to: "const problem = passwordProblem(password + 'jZ4uX0pQm7Vd9sKc2RtYb8Lw')\n",
    caughtBy: 'test/store/eventstoredb/setup.test.ts',
  },
  {
    name: 'the store is set up before it takes its passwords',
    file: 'src/store/eventstoredb/setup.ts',
    from: '      await untilTaken(connection, user)\n',
    to: '',
    caughtBy: 'test/store/eventstoredb/setup.test.ts',
  },
  {
    name: 'an erasure takes what is kept along',
    file: 'src/store/eventstoredb/payload-streams.ts',
    from: 'return start <= (first ?? 0) || this.#truncate(stream, start)',
    to: 'return start <= (first ?? 0) || this.#truncate(stream, start + 1)',
    caughtBy: ESDB_ERASURE_TEST,
  },
  {
    name: 'an answer waits for what it covers to be durable',
    file: 'src/contracts/replica/commit.ts',
    from: '(held === outcome.made ? isAnswer : isOthers(held))',
    to: '(held === outcome.made ? false : isOthers(held))',
    caughtBy: 'test/contracts/replica/waits-in-sequence.test.ts',
  },
  {
    name: 'another statement is signed in the place of an answer that was stored without what it covers',
    file: 'src/contracts/signing/double-sign-protection.ts',
    from: '        await this.#promise(contract, ahead)\n',
    to: '',
    caughtBy: GAPS_TEST,
  },
  {
    name: 'several processes sign in the place of an answer that has been left alone',
    file: 'src/contracts/replica/inbound/other-processes.ts',
    from: 'if (own !== undefined) this.#protection.awaits(own)\n',
    to: '',
    caughtBy: GAPS_TEST,
  },
  {
    name: 'the guard is told beside an append in whose place another may come to stand',
    file: 'src/contracts/replica/commit.ts',
    from: 'if (isAnswer && !isPlaceOpen)',
    to: 'if (isAnswer)',
    caughtBy: GAPS_TEST,
  },
  {
    name: 'nobody hears of what a write that failed has settled all the same',
    file: 'src/contracts/replica/reloading.ts',
    from: 'entry.index >= settling.settled',
    to: 'entry.index > loaded.ledgerSize',
    caughtBy: 'test/contracts/replica/store-outage.test.ts',
  },
  {
    name: 'one process takes for damage what a crash of several has left',
    file: 'src/contracts/replica/opening/load.ts',
    from: '&& ahead.length > 0 && store.isAtomic)',
    to: '&& ahead.length > 0)',
    caughtBy: GAPS_TEST,
  },
  {
    name: 'a statement of another member waits for its values',
    file: 'src/contracts/replica/journal.ts',
    from: 'again.values(one) && confidentialSealsOf',
    to: 'again.values === undefined && confidentialSealsOf',
    caughtBy: 'test/contracts/replica/waits-in-sequence.test.ts',
  },
  {
    name: 'forgets the keys of callers when it reads again after a failed write',
    file: 'src/contracts/replica/reloading.ts',
    from: '    requests.queue.holds(feedOf(state.feeds, self).kept)\n',
    to: '    void requests\n',
    caughtBy: 'test/contracts/replica/store-outage.test.ts',
  },
  {
    name: 'what was read before what it covers is read again with the next news of its own feed alone',
    file: 'src/contracts/replica/inbound/feed-tailer.ts',
    from: "    if (news.size > 0 || entriesWanted(before) !== undefined)\n      for (const handle of this.#leftWaiting) news.set(handle, 'store')\n",
    to: '',
    caughtBy: 'test/contracts/replica/feed-tailer.test.ts',
  },
  {
    name: 'a process without a key says that nobody signs without a look in the store',
    file: 'src/contracts/requests/local-requests.ts',
    from: 'await Promise.race([this.#view.readStore(), late.promise])',
    to: 'await Promise.race([undefined, late.promise])',
    caughtBy: 'test/contracts/signing/signing-blocked.test.ts',
  },
]
