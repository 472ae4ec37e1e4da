/**
 * A value was asked for that is pruned from memory; the store has it. It ends the work at hand, and `agreement/history/looking-back.ts`
 * alone catches it, where it becomes a result (decision 0072). It is no fault: it has no code.
 */
export class HistoryPruned extends Error {
  constructor(what: string) {
    super(`${what} is left out of memory`)
  }
}
