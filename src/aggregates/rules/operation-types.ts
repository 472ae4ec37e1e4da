import type { Arithmetic } from './ast.ts'
import { ANY, DATE, DATE_TIME, isOpen, isTextual, NUMBER, type RuleType, TEXT, TIME_SPAN, typeName } from './types.ts'

export interface Unfit {
  readonly message: string
  readonly suggestion?: string
}

const VERBS = {
  '+': 'added to',
  '-': 'taken from',
  '*': 'multiplied by',
  '/': 'divided by',
  '**': 'raised by',
} as const

/** What an operation gives, or why it never gives anything. */
export function arithmeticType(operator: Arithmetic, left: RuleType, right: RuleType): RuleType | Unfit {
  if (left.kind === 'number' && right.kind === 'number') return NUMBER
  if (isOpen(left) || isOpen(right)) return ANY
  const type = typeOf(operator, left, right)
  if (type !== undefined) return type
  const [one, other] = operator === '+' || operator === '-' ? [right, left] : [left, right]
  const message = `a ${typeName(one)} cannot be ${VERBS[operator]} a ${typeName(other)}`
  const suggestion = operator === '+' || operator === '-' ? moneyHint(left, right) : undefined
  return suggestion === undefined ? { message } : { message, suggestion }
}

function typeOf(operator: Arithmetic, left: RuleType, right: RuleType): RuleType | undefined {
  switch (operator) {
    case '+':
      if (isTextual(left) && isTextual(right)) return TEXT
      return isDay(left) ? moved(left, right) : isDay(right) ? moved(right, left) : alike(left, right)
    case '-':
      if (isDay(left) && isDay(right)) return TIME_SPAN
      return isDay(left) ? moved(left, right) : alike(left, right)
    case '*':
      return scaled(left, right) ?? scaled(right, left)
    case '/':
      return scaled(left, right) ?? (alike(left, right) === undefined ? undefined : NUMBER)
    default:
      return undefined
  }
}

function isDay({ kind }: RuleType): boolean {
  return kind === 'date' || kind === 'date-time'
}

function moved(day: RuleType, duration: RuleType): RuleType | undefined {
  if (duration.kind !== 'duration') return undefined
  return day.kind === 'date' ? DATE : DATE_TIME
}

function scaled(measure: RuleType, factor: RuleType): RuleType | undefined {
  return factor.kind === 'number' && (measure.kind === 'duration' || measure.kind === 'money') ? measure : undefined
}

/** Two amounts of one currency, or two durations of one unit, where it is known. */
function alike(left: RuleType, right: RuleType): RuleType | undefined {
  if (left.kind === 'money' && right.kind === 'money') {
    const isOther = left.currency !== undefined && right.currency !== undefined && left.currency !== right.currency
    return isOther ? undefined : left.currency === undefined ? right : left
  }
  if (left.kind === 'duration' && right.kind === 'duration') {
    if (left.unit === undefined || right.unit === undefined) return left.unit === undefined ? right : left
    return left.unit === right.unit ? left : undefined
  }
  return undefined
}

export function negatedType(type: RuleType): RuleType | undefined {
  if (isOpen(type)) return ANY
  return type.kind === 'number' || type.kind === 'duration' || type.kind === 'money' ? type : undefined
}

/** How a number that stands where money is meant is written. */
export function moneyHint(one: RuleType, other: RuleType): string | undefined {
  const money = [one, other].find(({ kind }) => kind === 'money')
  if (money?.kind !== 'money' || ![one, other].some(({ kind }) => kind === 'number')) return undefined
  return `money(…, "${money.currency ?? 'GBP'}")`
}
