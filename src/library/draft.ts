import type { WrittenChange } from '../documents/change-sets.ts'
import { stepsOf } from './calls/api-calls.ts'
import type { Draft, DraftPlace, Element } from './interface.ts'

/** The changes that are made to a draft, in their order. */
export async function gatheredBy<Document>(
  write: (draft: Draft<Document>) => void | Promise<void>,
): Promise<readonly WrittenChange[]> {
  const changes: WrittenChange[] = []
  const at = (path: Element) => draftPlace(stepsOf(path).map(encodeURIComponent).join('/'), changes)
  await write({ at: at as Draft<Document>['at'] })
  return changes
}

function draftPlace(at: string, changes: WrittenChange[]): DraftPlace<unknown> {
  return {
    set(first: unknown, second?: unknown) {
      changes.push({ at, set: typeof first === 'string' ? { [first]: second } : first })
    },
    propose(value) {
      changes.push({ at, set: value })
    },
    add(value) {
      changes.push({ at, add: value })
    },
    remove() {
      changes.push({ at, remove: true })
    },
    rename(name) {
      changes.push({ at, rename: name })
    },
    arrange(names) {
      changes.push({ at, order: [...names] })
    },
    grant(party) {
      changes.push({ at, grant: party as Extract<WrittenChange, { grant: unknown }>['grant'] })
    },
  }
}
