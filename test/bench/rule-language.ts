import { parser } from '@bpmn-io/lezer-feel'
import { workedExpressions } from './worked-rules.ts'

const RUNS_A_TURN = 1

export interface RulesExtent {
  readonly rounds: number
  /** Processor time of the faster side in a round; the other has the same expressions to work at. */
  readonly millisecondsEach: number
  /** Runs of each until both are compiled by the engine. */
  readonly warmUpRuns: number
}

export interface RuleFigures {
  readonly expressions: number
  /** Of them feelin comes to the same value. */
  readonly alike: number
  /** Expressions in a second, and how many times the other's that is: in each round, so that both have the same machine. */
  readonly compiled: number
  readonly compiledToParsed: readonly number[]
  readonly evaluated: number
  readonly evaluatedToFeelin: readonly number[]
  /** Steps of one evaluation of all of them. */
  readonly steps: number
}

/**
 * In turns: parsing by lezer-feel alone against compiling, and feelin against evaluating what was compiled once; of evaluation those that
 * feelin comes to the same value of.
 */
export function measureRules({ rounds, millisecondsEach, warmUpRuns }: RulesExtent): RuleFigures {
  const all = workedExpressions()
  const alike = all.filter((one) => one.isAlike())
  const parseAlone = parser.configure({ dialect: 'camunda', top: 'Expression' })
  const ways = {
    parse: () => all.map(({ text }) => parseAlone.parse(text)),
    compile: () => all.map((one) => one.compile()),
    feelin: () => alike.map((one) => one.feelin()),
    evaluate: () => alike.map((one) => one.evaluate()),
  }
  const inTurns = (one: keyof typeof ways, other: keyof typeof ways) => {
    for (let n = 0; n < warmUpRuns; n++) for (const way of [one, other]) ways[way]()
    return Array.from({ length: rounds }, () => measured(ways[one], ways[other], millisecondsEach))
  }
  const compiled = inTurns('compile', 'parse')
  const evaluated = inTurns('evaluate', 'feelin')
  return {
    expressions: all.length,
    alike: alike.length,
    compiled: middle(compiled.map(([ours]) => all.length / ours)),
    compiledToParsed: compiled.map(([ours, other]) => other / ours),
    evaluated: middle(evaluated.map(([ours]) => alike.length / ours)),
    evaluatedToFeelin: evaluated.map(([ours, other]) => other / ours),
    steps: all.reduce((sum, one) => sum + one.evaluate().steps, 0),
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
