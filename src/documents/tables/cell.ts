import { ConcordataError } from '../../runtime/errors.ts'
import { ValueUnreadable } from '../field-text.ts'
import { WriteUnfit } from '../writing/written-value.ts'

/** Where in a table something stands, for whoever has made it: rows from 1 on, the first with the names of the columns. */
export interface Cell {
  readonly row: number
  /** Its name; left out: the whole row. */
  readonly column?: string
}

/** What cannot be read says in which cell that stands. */
export function inCell<Result>(cell: Cell, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ConcordataError)) throw error
    const evidence = { cell, ...error.evidence }
    if (error instanceof WriteUnfit) throw new WriteUnfit(error.code, error.message, evidence)
    if (error instanceof ValueUnreadable) throw new ValueUnreadable(error.code, error.message, evidence)
    throw new ConcordataError(error.code, error.message, evidence, { cause: error })
  }
}

/** For each row of a table but the first: how many commands stand before what it says. */
export type RowStarts = readonly number[]
