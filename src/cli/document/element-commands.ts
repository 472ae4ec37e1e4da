import { type Command, InvalidArgumentError } from 'commander'
import { apiClientFor } from '../api-client.ts'
import {
  contractArgument,
  dataOption,
  handlesIn,
  jsonOption,
  type NodeOptions,
  preferOf,
  waitOption,
} from '../options.ts'
import { placeOf } from './place.ts'
import { printWritten } from './write-lines.ts'

interface Options extends NodeOptions {
  readonly dryRun?: true
  readonly wait?: number
}

/** `concordata element …`: fields, blocks and lists themselves. Their values: `field`, `table`; several at once: `change-set`. */
export function elementCommands(program: Command): void {
  const element = program.command('element').description('fields, blocks and lists themselves, whatever their values')
  const of = (name: string) =>
    element
      .command(name)
      .addArgument(contractArgument())
      .argument('<path>', "names with slashes between; '': the document")
      .addOption(waitOption())
      .option('--dry-run', 'say what would happen, and do nothing')
      .addOption(jsonOption())
      .addOption(dataOption())

  of('rename')
    .argument('<name>', 'what it is called then, without what is above it')
    .description('propose that it is called otherwise')
    .action(async (uid: string, path: string, name: string, options: Options) => change(uid, path, { name }, options))

  of('arrange')
    .argument('<names...>', 'of what stands in it; those that are not named come behind')
    .description('propose in which order a block is shown')
    .action(async (uid: string, path: string, order: readonly string[], options: Options) =>
      change(uid, path, { order }, options),
    )

  of('grant')
    .argument('<party>', 'a handle, or everybody: who owns it then', ownerIn)
    .description('give it to a party, or to all: what all own nobody can take')
    .action(async (uid: string, path: string, owner: string | null, options: Options) =>
      change(uid, path, { owner }, options),
    )

  of('remove')
    .description('propose that it is there no more, with all below it')
    .action(async (uid: string, path: string, options: Options) =>
      write(uid, 'DELETE', placeOf(uid, path), undefined, options),
    )
}

function change(uid: string, path: string, attributes: object, options: Options): Promise<void> {
  return write(uid, 'PATCH', `${placeOf(uid, path)}/~attributes`, attributes, options)
}

async function write(uid: string, method: string, url: string, body: object | undefined, options: Options) {
  const { data, dryRun, json, wait } = options
  const client = await apiClientFor(data)
  const answer = await client.call(method, `${url}${dryRun ? '?dry-run' : ''}`, body, { ...preferOf(wait) })
  printWritten(uid, answer, { dryRun, json })
}

/** Null: all. */
function ownerIn(text: string): string | null {
  const [owner = null, ...more] = handlesIn(text) ?? []
  if (more.length === 0) return owner
  throw new InvalidArgumentError('one party owns it, or everybody.')
}
