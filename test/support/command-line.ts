import { parseArgs } from 'node:util'

/** An option of a program of the tests: what it means, what it is unless it is set, and what else it can be, where that is known. */
export interface Option<T> {
  readonly about: string
  readonly value: T
  readonly oneOf?: readonly string[]
  readonly least?: number
}
export type OptionTable = { readonly [name: string]: Option<boolean> | Option<number> | Option<string> }
/** The value of each option. */
export type OptionValues<Table extends OptionTable> = { readonly [name in keyof Table]: Table[name]['value'] }

/** A program is not called as it can be called; the message is one line for whoever has called it. */
export class CommandLineUnfit extends Error {}

export const flag = (about: string): Option<boolean> => ({ about, value: false })
export const number = (value: number, about: string, least = 0): Option<number> => ({ about, least, value })
/** Empty unless it is set, or `value`. */
export const text = (about: string, value = '', oneOf?: readonly string[]): Option<string> => {
  return { about, value, ...(oneOf && { oneOf }) }
}

/**
 * How a program is called, by `--name value` or `--name=value`, where `losingValues` is `--losing-values`. `--help` prints what can be set,
 * and ends the program; what it does not understand ends it with 2.
 */
export function commandLine<Table extends OptionTable>(usage: string, table: Table): OptionValues<Table> {
  return commandLineWithFiles(usage, table, false).values
}

/** The same with files behind the options. */
export function commandLineWithFiles<Table extends OptionTable>(usage: string, table: Table, takesFiles = true) {
  const args = process.argv.slice(2)
  try {
    if (!args.includes('--help')) return readCommandLine(table, args, takesFiles)
    console.log([`Usage: ${usage}`, ...describeOptions(table)].join('\n'))
    process.exit(0)
  } catch (error) {
    if (!(error instanceof CommandLineUnfit)) throw error
    console.error(`${error.message}; --help says what there is`)
    process.exit(2)
  }
}

/** What a command line says. Throws CommandLineUnfit. */
export function readCommandLine<Table extends OptionTable>(table: Table, args: readonly string[], takesFiles = false) {
  const { positionals: files, values: given } = parsed(table, args, takesFiles)
  const values = Object.entries(table).map(([name, option]) => [name, readValue(name, option, given[dashed(name)])])
  return { files, values: Object.fromEntries(values) as OptionValues<Table> }
}

/** For people, a line for each option: its default, and what it means. */
export function describeOptions(table: OptionTable): string[] {
  return Object.entries(table).map(([name, { about, oneOf, value }]) => {
    const among = oneOf === undefined ? '' : `; ${oneOf.join(' | ')}`
    return `  --${dashed(name)} (${value === '' ? 'none' : value}): ${about}${among}`
  })
}

export function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

interface Given {
  readonly values: { readonly [name: string]: string | boolean }
  readonly positionals: readonly string[]
}

function parsed(table: OptionTable, args: readonly string[], allowPositionals: boolean): Given {
  const options = Object.entries(table).map(([name, { value }]) => {
    return [dashed(name), { type: typeof value === 'boolean' ? 'boolean' : 'string' } as const]
  })
  try {
    return parseArgs({ allowPositionals, args: [...args], options: Object.fromEntries(options) }) as Given
  } catch (error) {
    // What Node.js says in its first sentence; behind it is what helps whoever writes a program.
    const [sentence = ''] = (error as Error).message.split(/[.\n]/)
    throw new CommandLineUnfit(sentence, { cause: error })
  }
}

function readValue(
  name: string,
  { least = 0, oneOf, value }: OptionTable[string],
  given: string | boolean | undefined,
): string | number | boolean {
  if (given === undefined) return value
  if (typeof value === 'number') {
    const count = Number(given)
    if (given !== '' && Number.isFinite(count) && count >= least) return count
    throw new CommandLineUnfit(`--${dashed(name)} is a number from ${least} on: ${given}`)
  }
  if (oneOf === undefined || oneOf.includes(String(given))) return given
  throw new CommandLineUnfit(`--${dashed(name)} is one of ${oneOf.join(' | ')}: ${given}`)
}
