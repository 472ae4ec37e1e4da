import type { SignedStatement } from '../../../events/statement-codec.ts'

/** How much one batch has at most: a few milliseconds of work, after which others have their turn. */
export const BATCH_STATEMENTS_MAX = 32
const BATCH_CHARACTERS_MAX = 64 * 1024

/** Statements by clock, so that causes come before effects, in pieces that are taken in one after another. */
export function* batchesOf(statements: readonly SignedStatement[]): Generator<readonly SignedStatement[]> {
  const inOrder = statements.toSorted((one, other) => one.statement.clock - other.statement.clock)
  let batch: SignedStatement[] = []
  let characters = 0
  for (const decoded of inOrder) {
    batch.push(decoded)
    characters += decoded.text.length
    if (batch.length < BATCH_STATEMENTS_MAX && characters < BATCH_CHARACTERS_MAX) continue
    yield batch
    batch = []
    characters = 0
  }
  if (batch.length > 0) yield batch
}
