import { ConcordataError } from '../runtime/errors.ts'
import { parseStored } from '../runtime/stored-json.ts'

/** A stored event does not follow from those before it: the store was damaged, or the fold has a fault. */
export class FoldFailed extends ConcordataError {
  constructor(message: string, evidence: Record<string, unknown> = {}, options?: { cause?: unknown }) {
    super('projection_failed', message, evidence, options)
  }
}

/** What a stored event holds. What it should hold was checked when it was stored. */
export function dataOf<T>({ data, stream, revision }: { data: string; stream: string; revision: number }): T {
  try {
    return parseStored(data) as T
  } catch (cause) {
    throw new FoldFailed(`event ${revision} of ${stream} is no JSON`, { stream, revision }, { cause })
  }
}
