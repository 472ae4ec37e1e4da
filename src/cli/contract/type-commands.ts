import type { Command } from 'commander'
import type { Static } from 'typebox'
import type { CustomTypeSchema } from '../../api/answers/elements.ts'
import { apiClientFor } from '../api-client.ts'
import { printWritten } from '../document/write-lines.ts'
import { jsonIn } from '../json-argument.ts'
import { contractArgument, dataOption, jsonOption, type NodeOptions } from '../options.ts'
import { printResult, table } from '../output.ts'

type DefinedType = Static<typeof CustomTypeSchema>

interface TypeOptions extends NodeOptions {
  readonly constraint?: string
  readonly hints?: string
}

/** `concordata contract types|define-type`: the types that a contract defines. */
export function typeCommands(contract: Command): void {
  contract
    .command('types')
    .addArgument(contractArgument())
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the types that a contract defines')
    .action(async (uid: string, { data, json }: NodeOptions) => {
      const types = (await (await apiClientFor(data)).call('GET', `/api/Contract/${uid}/Types`)) as DefinedType[]
      const rows = types.map(({ name, base, constraint, hints, definition }) => [
        name,
        base,
        JSON.stringify(constraint),
        JSON.stringify(hints),
        definition,
      ])
      printResult(json, types, table(['type', 'base', 'constraint', 'hints', 'definition'], rows))
    })

  contract
    .command('define-type')
    .addArgument(contractArgument())
    .argument('<name>', 'what it is called')
    .argument('<base>', 'the type that it narrows: decimal, text, …')
    .option('--constraint <constraint>', 'which values it has: JSON, as docs/protocol.md, "Types", has it')
    .option('--hints <hints>', 'for whoever shows values: JSON, as docs/protocol.md, "Types", has it')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('propose a type for fields of a contract, or another version of it: fields that are there keep theirs')
    .action(async (uid: string, name: string, base: string, options: TypeOptions) => {
      const { constraint, data, hints, json } = options
      const body = {
        base,
        ...(constraint === undefined ? {} : { constraint: jsonIn(constraint, 'the constraint') }),
        ...(hints === undefined ? {} : { hints: jsonIn(hints, 'what the hints say') }),
      }
      const url = `/api/Contract/${uid}/Types/${encodeURIComponent(name)}`
      printWritten(uid, await (await apiClientFor(data)).call('PUT', url, body), { json })
    })
}
