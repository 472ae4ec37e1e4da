import type { Command } from 'commander'
import { ApiProblem, apiClientFor, withHint } from '../api-client.ts'
import { contractArgument, dataOption, jsonOption, type NodeOptions, preferOf, waitOption } from '../options.ts'
import { jsonLines, printResult } from '../output.ts'
import { placeOf } from './place.ts'
import { printWritten } from './write-lines.ts'

interface WriteOptions extends NodeOptions {
  readonly add?: true
  readonly dryRun?: true
  readonly wait?: number
}

const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json'

/** `concordata field …`: one value, or a block of them. */
export function fieldCommands(program: Command): void {
  const field = program.command('field').description('read and write the values of a contract')
  const writes = (name: string) =>
    field.command(name).addArgument(contractArgument()).argument('<path>', 'the field: names with slashes between')
  const withOptions = (command: Command) =>
    command.addOption(waitOption()).option('--dry-run', 'say what would happen, and do nothing').addOption(dataOption())

  field
    .command('get')
    .addArgument(contractArgument())
    .argument('[path]', 'names with slashes between; left out: the whole document', '')
    .option('--at <index>', 'as it was after that entry of the ledger')
    .addOption(jsonOption())
    .addOption(dataOption())
    .description('the agreed value of a field; of a block or a list all that is in it, as JSON')
    .action(async (uid: string, path: string, { data, at, json }: NodeOptions & { at?: string }) => {
      const client = await apiClientFor(data)
      const query = at === undefined ? '' : `?at=${encodeURIComponent(at)}`
      const headers: Record<string, string> = json ? { accept: JSON_TYPE } : {}
      const value = await client.call('GET', `${placeOf(uid, path)}${query}`, undefined, headers)
      printResult(json, value, typeof value === 'string' ? value.split('\n') : jsonLines(value))
    })

  withOptions(writes('set').argument('<value>', 'as people write it: 13, 1.50, USD 100.00, true'))
    .option('--json', 'VALUE is JSON: a value, or an object or array for a block or list; and so is what is printed')
    .option('--add', 'a field that is not there yet is added')
    .description('propose a value, and wait until all have agreed to it')
    .action(async (uid: string, path: string, value: string, options: WriteOptions) =>
      write(uid, path, value, options.json ? JSON_TYPE : TEXT, options),
    )

  withOptions(writes('empty'))
    .addOption(jsonOption())
    .description('propose that the field be empty')
    .action(async (uid: string, path: string, options: WriteOptions) => write(uid, path, 'null', JSON_TYPE, options))
}

async function write(uid: string, path: string, body: string, type: string, options: WriteOptions): Promise<void> {
  const { add, data, dryRun, json, wait } = options
  const client = await apiClientFor(data)
  // A slip of the pen adds nothing.
  if (!add)
    await client.call('GET', `${placeOf(uid, path)}/~attributes`).catch((error: unknown) => {
      const isMissing = error instanceof ApiProblem && error.evidence.code === 'no_such_path'
      throw isMissing ? withHint(error, '--add adds a field to a block that is there') : error
    })
  const headers = { 'content-type': type, ...preferOf(wait) }
  const answer = await client.call(
    'PUT',
    `${placeOf(uid, path)}${dryRun ? '?dry-run' : ''}`,
    Buffer.from(body),
    headers,
  )
  printWritten(uid, answer, { dryRun, json })
}
