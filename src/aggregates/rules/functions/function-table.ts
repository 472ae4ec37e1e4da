import { conversionFunctions } from './conversions.ts'
import { dayFunctions } from './days.ts'
import type { FunctionSpec } from './function-spec.ts'
import { listFunctions } from './lists.ts'
import { numericFunctions } from './numeric.ts'
import { rangeFunctions } from './ranges.ts'
import { textFunctions } from './text.ts'

/** All functions of the language. None can be added by a contract. */
export const functions: ReadonlyMap<string, readonly FunctionSpec[]> = new Map(
  [textFunctions, numericFunctions, listFunctions, dayFunctions, rangeFunctions, conversionFunctions].flatMap((table) =>
    Object.entries(table),
  ),
)

const REGULAR_EXPRESSIONS = 'the language has no regular expressions'
const CLOCK = 'the language has no clock: every party computes the same, whenever it does'
const INEXACT = 'the language has no operation that is not correctly rounded'
const CONTEXTS = 'the language has no contexts but the blocks of the document'
const USER_FUNCTIONS = 'the language has no functions as values'
const TIMES = 'the language has no time of day: use a date and time'

/** FEEL's own that are left out, and why. */
export const excludedFunctions: ReadonlyMap<string, string> = new Map([
  ['matches', REGULAR_EXPRESSIONS],
  ['replace', REGULAR_EXPRESSIONS],
  ['split', REGULAR_EXPRESSIONS],
  ['now', CLOCK],
  ['today', CLOCK],
  ['exp', INEXACT],
  ['log', INEXACT],
  ['time', TIMES],
  ['get value', CONTEXTS],
  ['get entries', CONTEXTS],
  ['context', CONTEXTS],
  ['context put', CONTEXTS],
  ['context merge', CONTEXTS],
  ['sort', USER_FUNCTIONS],
  ['list replace', USER_FUNCTIONS],
  ['invoke', USER_FUNCTIONS],
])
