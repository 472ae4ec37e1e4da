import { writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Command } from 'commander'
import { ConcordataError } from '../../runtime/errors.ts'
import { apiClientFor } from '../api-client.ts'
import { bytesIn, fileUnavailable } from '../file-unavailable.ts'
import { contractArgument, dataOption, jsonOption, type NodeOptions, preferOf, waitOption } from '../options.ts'
import { printResult } from '../output.ts'
import { placeOf } from './place.ts'
import { printWritten } from './write-lines.ts'

/** A file is neither CSV nor a workbook, by its name. Evidence: `path`. */
class TableUnknown extends ConcordataError {}

interface Options extends NodeOptions {
  readonly add?: true
  readonly at?: string
  readonly dryRun?: true
  readonly split?: true
  readonly wait?: number
}

const forms = {
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
} as const

/** `concordata table …`: lists and documents as spreadsheets have them. */
export function tableCommands(program: Command): void {
  const tables = program.command('table').description('lists and documents as CSV and as workbooks')
  const of = (name: string, file: string) =>
    tables
      .command(name)
      .addArgument(contractArgument())
      .argument('<path>', "a list or a block: names with slashes between; '' is the whole document")
      .argument('<file>', file)
      .addOption(jsonOption())
      .addOption(dataOption())

  of('get', 'where it is written: NAME.csv or NAME.xlsx; what is there is replaced')
    .option('--at <index>', 'as it was after that entry of the ledger')
    .description('the entries of a list, or the fields of a block, as a table; no cell of it is a formula')
    .action(async (uid: string, path: string, file: string, { at, data, json }: Options) => {
      const query = new URLSearchParams({ format: formOf(file), ...(at !== undefined && { at }) })
      const bytes = await (await apiClientFor(data)).bytes(`${placeOf(uid, path)}?${query}`)
      await writeFile(file, bytes).catch((cause: unknown) => {
        throw fileUnavailable(cause, file) ?? cause
      })
      printResult(json, { file, bytes: bytes.length }, [`${bytes.length} bytes are in ${file}.`])
    })

  of('put', 'NAME.csv or NAME.xlsx')
    .option('--add', 'a row is an entry more; left out, the rows are what is to stand in the list')
    .option('--split', 'what is more than one request can be is several, each agreed, or not, by itself')
    .addOption(waitOption())
    .option('--dry-run', 'say what would happen, and do nothing')
    .description('propose what is in a table, all of it as one request, and wait until all have agreed to it')
    .action(async (uid: string, path: string, file: string, { add, data, dryRun, json, split, wait }: Options) => {
      const headers = { 'content-type': forms[formOf(file)], ...preferOf(wait) }
      const bytes = await bytesIn(file)
      const query = new URLSearchParams({ ...(split && { split: '' }), ...(dryRun && { 'dry-run': '' }) })
      const url = `${placeOf(uid, path)}?${query}`
      const answer = await (await apiClientFor(data)).call(add ? 'POST' : 'PUT', url, bytes, headers)
      printWritten(uid, answer, { dryRun, json })
    })
}

/** Throws TableUnknown. */
function formOf(file: string): keyof typeof forms {
  const end = extname(file).slice(1).toLowerCase()
  if (end === 'csv' || end === 'xlsx') return end
  throw new TableUnknown('request_malformed', `${file} ends neither in .csv nor in .xlsx`, { path: file })
}
