import { parser } from '@bpmn-io/lezer-feel'
import { evaluate as feelin } from 'feelin'
import { AT_ROOT, type Compiled, compile, isCompiled } from '../../src/aggregates/rules/compile.ts'
import { evaluate } from '../../src/aggregates/rules/evaluate.ts'
import { RULE_STEPS } from '../../src/aggregates/rules/limits.ts'
import { documentFrom } from '../../src/cli/rule/plain-form.ts'

/** What a reinsurance slip would say, without money: feelin has none. */
const VALUES = {
  Premium: 1250.5,
  Rate: 0.125,
  Country: 'Chile',
  Agreed: true,
  Layer: 3,
  Insured: { Name: 'Ana Ltd', Turnover: 1000000 },
  Lines: Array.from({ length: 8 }, (_, n) => ({ Insurer: `insurer-${n}`, Written: 10 + n, Signed: 12.5 })),
}
const EXPRESSIONS = [
  'Premium * Rate + 1 > 100',
  'sum(Lines.Signed) = 100',
  'if Country = "Mexico" then 0.16 else if Country = "Chile" then 0.19 else 0',
  'every line in Lines satisfies line.Written <= 50',
  'count(Lines[Signed > 10]) >= 3 and Agreed',
  'round half up(Premium * Rate, 2)',
  'Rate in (0..0.2] and Country in ("Mexico", "Chile")',
  'Lines[Insurer = "insurer-5"].Signed',
  'string length(Insured.Name) > 0 and Insured.Turnover between 1000 and 5000000',
  '(Premium - Premium * Rate) / (1 + Rate) * 100',
  'date("2026-12-31") >= date("2026-01-31") + duration("P6M")',
  'max(Lines.Written) - min(Lines.Written) < 10 or not(Agreed)',
]

const RUNS_A_TURN = 4
/** Runs of each until both are compiled by the engine. */
const WARM_UP = 600

export interface RuleFigures {
  /** Expressions in a second, and how many times the other's that is: in each round, so that both have the same machine. */
  readonly compiled: number
  readonly compiledToParsed: readonly number[]
  readonly evaluated: number
  readonly evaluatedToFeelin: readonly number[]
  /** Steps of one evaluation of all of them. */
  readonly steps: number
}

/** In turns: parsing by lezer-feel alone against compiling, and feelin against evaluating what was compiled once. */
export function measureRules(rounds: number, millisecondsEach: number): RuleFigures {
  const document = documentFrom(JSON.stringify(VALUES))
  const parseAlone = parser.configure({ dialect: 'camunda', top: 'Expression' })
  const draft = (text: string): Compiled => {
    const result = compile(text, document, AT_ROOT)
    if (!isCompiled(result)) throw new Error(`${text}: ${result[0]?.message}`)
    return result
  }
  const programs = EXPRESSIONS.map((text) => draft(text).program)
  const ways = {
    parse: () => EXPRESSIONS.map((text) => parseAlone.parse(text)),
    compile: () => EXPRESSIONS.map(draft),
    feelin: () => EXPRESSIONS.map((text) => feelin(text, VALUES)),
    evaluate: () => programs.map((program) => evaluate(program, document, RULE_STEPS)),
  }
  const inTurns = (one: keyof typeof ways, other: keyof typeof ways) => {
    for (let n = 0; n < WARM_UP; n++) for (const way of [one, other]) ways[way]()
    return Array.from({ length: rounds }, () => measured(ways[one], ways[other], millisecondsEach))
  }
  const compiled = inTurns('compile', 'parse')
  const evaluated = inTurns('evaluate', 'feelin')
  return {
    compiled: middle(compiled.map(([ours]) => EXPRESSIONS.length / ours)),
    compiledToParsed: compiled.map(([ours, other]) => other / ours),
    evaluated: middle(evaluated.map(([ours]) => EXPRESSIONS.length / ours)),
    evaluatedToFeelin: evaluated.map(([ours, other]) => other / ours),
    steps: programs.reduce((sum, program) => sum + evaluate(program, document, RULE_STEPS).steps, 0),
  }
}

/** Seconds of the processor that a run of each takes, in turns of a few runs: others use the machine as well. */
function measured(one: () => unknown, other: () => unknown, milliseconds: number): readonly [number, number] {
  const spent: [number, number] = [0, 0]
  let turns = 0
  for (; Math.min(...spent) < milliseconds * 1000; turns++) {
    for (const [n, run] of [one, other].entries()) {
      const start = process.cpuUsage()
      for (let count = 0; count < RUNS_A_TURN; count++) run()
      const { user, system } = process.cpuUsage(start)
      spent[n as 0 | 1] += user + system
    }
  }
  const runs = turns * RUNS_A_TURN * 1_000_000
  return [spent[0] / runs, spent[1] / runs]
}

export function middle(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? Number.NaN
}
