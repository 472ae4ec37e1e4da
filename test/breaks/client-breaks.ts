import type { Break } from './break.ts'

const LIBRARY_TEST = 'test/library/library.test.ts'
const PARTS = 'src/documents/writing/parts.ts'
const PARTS_TEST = 'test/documents/parts.test.ts'

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
  {
    name: 'an event stream begins anew whatever its client has had',
    file: 'src/api/routes/live/event-stream.ts',
    from: '(lastEventIn(request) ?? asked)',
    to: 'asked',
    caughtBy: 'test/api/routes/told.test.ts',
  },
  {
    name: 'what is split goes on behind what has come to nothing',
    file: PARTS,
    from: "(result.kind === 'settled' && result.outcome.kind === 'accepted')",
    to: "result.kind === 'settled'",
    caughtBy: PARTS_TEST,
  },
  {
    name: 'what was put to the vote stays where a later request comes to nothing',
    file: PARTS,
    from: 'if (asked.length > 0) await takeBack?.(asked).catch(failed)',
    to: '',
    caughtBy: PARTS_TEST,
  },
  {
    name: 'a text in the CSV of entities looks like a number',
    file: 'src/projections/entities/csv-rows.ts',
    from: 'return isHeld ? JSON.stringify(cell) : null',
    to: 'return isHeld ? String(cell) : null',
    caughtBy: 'test/api/routes/entities.test.ts',
  },
  {
    name: 'concordata table put --add replaces what stands there',
    file: 'src/cli/document/table-commands.ts',
    from: "call(add ? 'POST' : 'PUT', url",
    to: "call(add ? 'PUT' : 'PUT', url",
    caughtBy: 'test/cli/document-commands.test.ts',
  },
  {
    name: 'an Idempotency-Key is forgotten with its process',
    file: 'src/node/identity/identity.ts',
    from: 'const secret = Buffer.from(await readApiToken(dir))',
    to: 'const secret = Buffer.from((await readApiToken(dir)) + performance.now())',
    caughtBy: 'test/api/routes/idempotency.test.ts',
  },
  {
    name: 'a dry run is asked for',
    file: 'src/documents/documents.ts',
    from: 'if (isDryRun) {',
    to: 'if (isDryRun && isSplit) {',
    caughtBy: 'test/api/routes/new-api.test.ts',
  },
  {
    name: 'a problem document names the files of the machine',
    file: 'src/api/http/problem.ts',
    from: '.filter(isForCallers)',
    to: '',
    caughtBy: 'test/api/http/request-response.test.ts',
  },
]
