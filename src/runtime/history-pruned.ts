/**
 * Something was asked for that is left out of memory, and that the store has: whoever holds such a value begins again with
 * all of it. No error of anybody, so it has no code and never leaves the process (decision 0072).
 */
export class HistoryPruned extends Error {
  constructor(what: string) {
    super(`${what} is left out of memory`)
  }
}

/** Does something with a value that may have let go of its history; if it asks for that, once more when it is there again. */
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
