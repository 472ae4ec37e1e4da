import type { WrittenChange } from '../documents/change-sets.ts'
import { stepsOf } from './calls/api-calls.ts'
import { refusedUnasked } from './calls/problem-error.ts'
import type { Draft, DraftPlace, Element } from './interface.ts'

/** The changes that are made to a draft, in their order. */
export async function gatheredBy<Document>(
  write: (draft: Draft<Document>) => void | Promise<void>,
): Promise<readonly WrittenChange[]> {
  const changes: WrittenChange[] = []
  let isOver = false
  const add = (change: WrittenChange) => {
    if (isOver) throw refusedUnasked('write_unfit', 'the changes of this draft are proposed already, without this one')
    changes.push(change)
  }
  const at = (path: Element) => draftPlace(stepsOf(path).map(encodeURIComponent).join('/'), add)
  await write({ at: at as Draft<Document>['at'] })
  isOver = true
  return changes
}

function draftPlace(at: string, add: (change: WrittenChange) => void): DraftPlace<unknown> {
  return {
    set(first: unknown, second?: unknown) {
      add({ at, set: typeof first === 'string' ? { [first]: second } : first })
    },
    propose(value) {
      add({ at, set: value })
    },
    add(value) {
      add({ at, add: value })
    },
    remove() {
      add({ at, remove: true })
    },
    rename(name) {
      add({ at, rename: name })
    },
    arrange(names) {
      add({ at, order: [...names] })
    },
    grant(party) {
      add({ at, grant: party as Extract<WrittenChange, { grant: unknown }>['grant'] })
    },
  }
}
