import { createInterface } from 'node:readline'
import { ConcordataError } from '../runtime/errors.ts'

/** A person was asked, and has not said yes. */
export class NotConfirmed extends ConcordataError {}

/**
 * What a command is asked for goes to standard output; what went wrong, and questions, to standard error. This is the only way
 * to either: each of the lines stays one line and says nothing to the terminal, whoever has written what stands in it (decision 0086).
 */
export function print(...lines: readonly string[]): void {
  printLines(lines)
}

/** The same of lines whose number has no bound: a call's arguments have one. */
export function printLines(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${visible(line)}\n`)
}

export function complain(...lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`${visible(line)}\n`)
}

/** What a command has come to: with `--json` the value on one line, and nothing beside it; else the lines that people read. */
export function printResult(json: true | undefined, value: unknown, lines: readonly string[]): void {
  printLines(json ? [JSON.stringify(value)] : lines)
}

/** JSON as people read it. It stays the same value: what is not visible is escaped as JSON does it. */
export function jsonLines(value: unknown): string[] {
  return JSON.stringify(value, undefined, 2).split('\n')
}

/** How far a command is, for whoever sits there: with `--json` a program reads, which is told what it has come to. */
export function tell(json: true | undefined, ...lines: readonly string[]): void {
  if (!json) complain(...lines)
}

/** Controls and line ends, what is invisible or turns the direction of writing, and what Unicode has no character for. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** The same text with each code point that a reader cannot see as `\uXXXX`. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) =>
    Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(''),
  )
}

function escaped(codeUnit: number): string {
  return `\\u${codeUnit.toString(16).padStart(4, '0')}`
}

/** Asks a person, with the last line as the question. No answer is none, also where nobody is there to give one. Throws NotConfirmed. */
export async function requireConfirmed(...lines: readonly [string, ...string[]]): Promise<void> {
  complain(...lines.slice(0, -1))
  const answer = await askLine(visible(lines.at(-1) ?? ''))
  if (/^\s*y(es)?\s*$/i.test(answer ?? '')) return
  // What follows begins a line of its own.
  if (answer === undefined) complain('')
  const why = answer === undefined ? 'nobody was there to be asked' : 'the answer was not yes'
  throw new NotConfirmed('not_confirmed', `nothing was done: ${why}`)
}

/** Undefined: the input has ended. */
async function askLine(question: string): Promise<string | undefined> {
  const dialogue = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await new Promise((resolve) => {
      dialogue.once('close', () => resolve(undefined))
      dialogue.question(question, resolve)
    })
  } finally {
    dialogue.close()
  }
}

/** Lines: columns as wide as their widest cell, two spaces apart; a line under the headings unless they are all empty. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map(visible))
  const widths = headings.map((heading, column) =>
    cells.reduce((width, row) => Math.max(width, (row[column] ?? '').length), heading.length),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  const body = cells.map(line)
  if (headings.every((heading) => heading === '')) return body
  return [line(headings), widths.map((width) => '─'.repeat(width)).join('  '), ...body]
}
