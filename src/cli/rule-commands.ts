import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import type { Fault } from '../aggregates/rules/fault.ts'
import { RULE_STEPS } from '../aggregates/rules/limits.ts'
import { reasons } from '../aggregates/rules/reasons.ts'
import { textLiteral } from '../aggregates/rules/text/text-literal.ts'
import { typeName } from '../aggregates/rules/types.ts'
import { formatValue } from '../aggregates/rules/values/format-value.ts'
import type { Value } from '../aggregates/rules/values/values.ts'
import { ruleDraftCommands } from './document/rule-drafts.ts'
import { complain, print, visible } from './output.ts'
import { documentFrom } from './rule/plain-form.ts'
import { ExpressionRefused, messageOf, type Trial, tryExpression } from './rule/trial.ts'
import { trialLine } from './rule/trial-lines.ts'

/** `concordata rule …`: `try` needs no node. */
export function ruleCommands(program: Command): void {
  const rule = program.command('rule').description('the rules of a contract; and try expressions')
  ruleDraftCommands(rule)
  rule
    .command('try')
    .argument('[expression]', 'as it would stand in a rule')
    .option('--with <values>', 'JSON: the names that it uses, and their values', '{}')
    .option('--json', 'cases as JSON lines on standard input, one line of outcome for each')
    .description('evaluate an expression: its value, its type, and the steps that it takes')
    .action(
      async (
        expression: string | undefined,
        { with: values, json }: { with: string; json?: true },
        command: Command,
      ) => {
        if (json) await tryLines()
        else if (expression === undefined) command.error('error: an expression is missing, or --json')
        else tryOne(expression, values)
      },
    )
}

function tryOne(expression: string, values: string): void {
  const document = documentFrom(values)
  try {
    show(tryExpression(expression, document))
  } catch (error) {
    if (error instanceof ExpressionRefused) complain(...error.faults.flatMap((fault) => pointedAt(fault, expression)))
    throw error
  }
}

function show({ value, type, reason, steps }: Trial): void {
  print(`value  ${written(value)}`)
  if (reason !== undefined) print(`why    ${reasons[reason.code]}`)
  print(`type   ${typeName(type)}`, `cost   ${steps} of ${RULE_STEPS} steps`)
}

function written(value: Value): string {
  return typeof value === 'string' ? textLiteral(value) : formatValue(value)
}

/** The line of the text that the fault is in, and what of it under carets. */
function pointedAt(fault: Fault, text: string): string[] {
  const from = Math.min(fault.from, text.length)
  const start = text.lastIndexOf('\n', from - 1) + 1
  const end = text.indexOf('\n', from) === -1 ? text.length : text.indexOf('\n', from)
  const width = visible(text.slice(from, Math.min(fault.to, end))).length
  return [
    messageOf(fault),
    `  ${text.slice(start, end)}`,
    `  ${' '.repeat(visible(text.slice(start, from)).length)}${'^'.repeat(Math.max(1, width))}`,
  ]
}

/** Until the input ends, or nobody reads the output any more. */
async function tryLines(): Promise<void> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of lines) {
    if (process.stdout.destroyed) return
    print(trialLine(line))
    if (process.stdout.writableNeedDrain) await drained()
  }
}

/** Or closed: then nothing will be read. */
function drained(): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      process.stdout.off('drain', end).off('close', end)
      resolve()
    }
    process.stdout.on('drain', end).on('close', end)
  })
}
