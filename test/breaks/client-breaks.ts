import type { Break } from './break.ts'

const LIBRARY_TEST = 'test/library/library.test.ts'

/** Of what programs rely on: the library, and the API as a client has it. */
export const clientBreaks: readonly Break[] = [
  {
    name: 'a double is written as a decimal',
    file: 'src/library/calls/written-json.ts',
    from: 'if (Number.isSafeInteger(value)) return value',
    to: 'return value',
    caughtBy: LIBRARY_TEST,
  },
  {
    name: 'whoever waits for changes is not let go',
    file: 'src/library/changes.ts',
    from: 'async return() {\n      ending.abort()',
    to: 'async return() {',
    caughtBy: LIBRARY_TEST,
  },
  {
    name: 'a path of the library leads out of the document',
    file: 'src/library/calls/api-calls.ts',
    from: "step === '.' || step === '..' || step === ''",
    to: "step === ''",
    caughtBy: LIBRARY_TEST,
  },
  {
    name: 'a name in a type is not escaped',
    file: 'src/library/typed/type-text.ts',
    from: '.replaceAll("\'", "\\\\\'")',
    to: '',
    caughtBy: 'test/library/typed/type-text.test.ts',
  },
  {
    name: 'PUT adds nothing',
    file: 'src/documents/documents.ts',
    from: "if (adds || merges || 'table' in written) return this.#change(uid, names, wait, { changesOf: write, concerned })",
    to: 'return this.#change(uid, names, wait, { changesOf: write, concerned })',
    caughtBy: 'test/api/routes/elements.test.ts',
  },
  {
    name: 'a write has all that stands in memory',
    file: 'src/documents/documents.ts',
    from: "('json' in written ? concernedBy(element, written.json, how) : [element])",
    to: '[element]',
    caughtBy: 'test/documents/concerned.test.ts',
  },
  {
    name: 'an upload is the same whatever its bytes are',
    file: 'src/api/routes/contract/attachments.ts',
    from: 'keyedFile?.(hash)',
    to: "keyedFile?.('' as never)",
    caughtBy: 'test/api/routes/attachments.test.ts',
  },
  {
    name: 'a signing key is made once more under the same key',
    file: 'src/node/identity/key-ring.ts',
    from: 'if (known !== undefined) return known',
    to: '',
    caughtBy: 'test/api/routes/idempotency.test.ts',
  },
  {
    name: 'of all contracts nothing is told of before',
    file: 'src/api/routes/live/connection.ts',
    from: 'if (next < state.settling.settled) this.#telling.tell(subscription)',
    to: '',
    caughtBy: 'test/api/routes/told.test.ts',
  },
  {
    name: 'what the pages promise a client need not be met',
    file: 'test/run/answered.ts',
    from: '!met.has(one) && !(one in excused)',
    to: 'false && !(one in excused)',
    caughtBy: 'test/run/answered.test.ts',
  },
]
