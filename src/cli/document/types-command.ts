import { type Command, InvalidArgumentError } from 'commander'
import type { ElementSchema } from '../../documents/elements/element-schema.ts'
import { canBeNamed, typeNameFor, typeText } from '../../library/typed/type-text.ts'
import { apiClientFor } from '../api-client.ts'
import { contractArgument, dataOption, jsonOption, type NodeOptions } from '../options.ts'
import { printResult } from '../output.ts'

/** `concordata types`: what stands in a contract, for programs in TypeScript. */
export function typesCommand(program: Command): void {
  program
    .command('types')
    .addArgument(contractArgument())
    .option('--name <name>', 'of the type; left out: as the title suggests', identifier)
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the TypeScript type of its document, for `node.contract<…>(uid)`')
    .action(async (uid: string, { data, json, name }: NodeOptions & { name?: string }) => {
      const client = await apiClientFor(data)
      const { title } = (await client.call('GET', `/api/Contract/${encodeURIComponent(uid)}`)) as { title?: string }
      const schema = await client.call('GET', `/new-api/${encodeURIComponent(uid)}/~schema`)
      const called = name ?? typeNameFor(title ?? '')
      const text = typeText(schema as ElementSchema, called)
      printResult(json, { name: called, text }, text.trimEnd().split('\n'))
    })
}

function identifier(text: string): string {
  if (canBeNamed(text)) return text
  throw new InvalidArgumentError('It is no name of a type.')
}
