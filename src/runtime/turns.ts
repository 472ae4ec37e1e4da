/**
 * Who works for long lets others have their turn in between. Of one process all share one: a hundred that work for a few
 * milliseconds each hold up the others as long as one does for a second.
 */
export interface Turns {
  /** Whether the event loop has not turned for so long that whoever can wait does. */
  readonly isOver: boolean
  /** Resolves when it is somebody's turn again. */
  next(): Promise<void>
}

/** Works in steps, and lets others have their turn between them. `turns`: left out, it does all at once (decision 0059). */
export async function inTurns<Result>(steps: Generator<void, Result>, turns: Turns | undefined): Promise<Result> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (turns?.isOver === true) await turns.next()
  }
}

/** The result, if it takes no more steps than that; undefined: it takes more. */
export function withinSteps<Result>(steps: Generator<void, Result>, most: number): Result | undefined {
  for (let step = 0; step <= most; step++) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
  return undefined
}

/** All steps at once. */
export function completed<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
