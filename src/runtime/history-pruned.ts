/**
 * History was needed that is pruned from memory; the store has it. The caller loads the whole state and tries again.
 * It is control flow, no fault: it has no code and never leaves the process (decision 0072).
 */
export class HistoryPruned extends Error {
  constructor(what: string) {
    super(`${what} is left out of memory`)
  }
}

/** Does some work with a value whose history may be pruned; if the work needs history, repeats it once the history is loaded. */
export async function retryWithFullHistory<Result>(
  source: { recall(): Promise<void> },
  work: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof HistoryPruned)) throw error
    await source.recall()
    return work()
  }
}

/** The answer to a question; true where only the history that is left out of memory would tell. */
export function trueIfPruned(ask: () => boolean): boolean {
  try {
    return ask()
  } catch (error) {
    if (error instanceof HistoryPruned) return true
    throw error
  }
}
