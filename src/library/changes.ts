import type { Static } from 'typebox'
import type { ChangesSchema } from '../api/answers/element-views.ts'
import type { ApiCalls } from './calls/api-calls.ts'
import type { Change, Changes } from './interface.ts'

/** How long one call waits for a change. Seconds. */
const WAIT_SECONDS = 60
/** Changes that are had at once, but for those of one entry, which come together. */
const LIMIT = 100

const OVER: IteratorReturnResult<undefined> = { done: true, value: undefined }

/** `url`: of the changes of an element. */
export function changesAt(
  api: ApiCalls,
  url: string,
  { after = -1, signal }: { readonly after?: number; readonly signal?: AbortSignal } = {},
): Changes {
  const ending = new AbortController()
  /** Not taken yet, oldest first. */
  let untold: Change[] = []
  /** All up to this entry, with it, has been asked for. */
  let asked = after
  let turn: Promise<unknown> = Promise.resolve()

  const more = async (): Promise<boolean> => {
    while (untold.length === 0) {
      const query = { after: asked, wait: WAIT_SECONDS, limit: LIMIT }
      const isOver = signal === undefined ? ending.signal : AbortSignal.any([ending.signal, signal])
      if (isOver.aborted) return ended()
      try {
        const found = (await api.read(url, query, isOver)) as Static<typeof ChangesSchema>
        untold = found.changes
        asked = found.after
      } catch (error) {
        if (!isOver.aborted) throw error
        return ended()
      }
    }
    return !ending.signal.aborted
  }
  /** Whoever ended it from outside is told its reason; whoever returned it knows. */
  const ended = (): false => {
    if (ending.signal.aborted) return false
    throw signal?.reason
  }

  return {
    get after() {
      const [next] = untold
      return next === undefined ? asked : next.index - 1
    },
    /** One after another, however many are asked for at once. */
    next() {
      const told = turn.then(async (): Promise<IteratorResult<Change, undefined>> => {
        if (ending.signal.aborted || !(await more())) return OVER
        return { done: false, value: untold.shift() as Change }
      })
      turn = told.catch(() => {})
      return told
    },
    async return() {
      ending.abort()
      return OVER
    },
    async [Symbol.asyncDispose]() {
      ending.abort()
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
