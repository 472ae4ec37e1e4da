import { ValueUnreadable } from '../field-text.ts'
import { pathTo } from '../path.ts'
import { WriteUnfit } from './written-value.ts'

/** What cannot be written says where that was to be. */
export function withPath<Result>(names: readonly string[], write: () => Result): Result {
  try {
    return write()
  } catch (error) {
    const path = pathTo(names)
    if (error instanceof WriteUnfit) throw new WriteUnfit(error.code, error.message, { path, ...error.evidence })
    if (!(error instanceof ValueUnreadable)) throw error
    throw new ValueUnreadable(error.code, error.message, { path, ...error.evidence })
  }
}
