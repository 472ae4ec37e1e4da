import { writeFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import type { Command } from 'commander'
import type { ElementEvidence } from '../../documents/elements/element-evidence.ts'
import { type Attachment, isAttachment, type MediaType } from '../../events/attachments/attachment.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { type ApiClient, apiClientFor } from '../api-client.ts'
import { bytesIn, fileUnavailable } from '../file-unavailable.ts'
import {
  contractArgument,
  dataOption,
  jsonOption,
  type NodeOptions,
  preferOf,
  proposalOption,
  requestOption,
  waitOption,
} from '../options.ts'
import { jsonLines, printResult, table } from '../output.ts'
import { pathIn, placeOf } from './place.ts'
import { printWritten } from './write-lines.ts'

/** No attachment stands agreed at a place, or below it. Evidence: `path`. */
class NothingProven extends ConcordataError {}

/** Nothing says of what type a file is. Evidence: `path`. */
class TypeUnknown extends ConcordataError {}

interface Options extends NodeOptions {
  readonly changeSet?: string
  readonly dryRun?: true
  readonly name?: string
  readonly proposal?: string
  readonly type?: string
  readonly wait?: number
}

/** Values whose evidence is asked for at once. */
const PAGE = 200

/** By the ends of names, where the user says nothing. */
const TYPES: Readonly<Record<string, MediaType>> = {
  '.csv': 'text/csv',
  '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  '.gif': 'image/gif',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.odp': 'application/vnd.oasis.opendocument.presentation',
  '.ods': 'application/vnd.oasis.opendocument.spreadsheet',
  '.odt': 'application/vnd.oasis.opendocument.text',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.pptx': 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  '.rtf': 'application/rtf',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.txt': 'text/plain',
  '.webp': 'image/webp',
  '.xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
}

/** `concordata attachment …`: files at the fields of a contract. */
export function attachmentCommands(program: Command): void {
  const attachment = program.command('attachment').description('files at the fields of a contract')
  const of = (name: string) => attachment.command(name).addArgument(contractArgument()).addOption(jsonOption())
  const at = (name: string) => of(name).argument('<path>', 'the field: names with slashes between')
  const brings = (command: Command) =>
    command
      .argument('<file>', 'the file')
      .option('--name <name>', 'what it is called in the contract; left out, as the file is')
      .option('--type <type>', 'its media type; left out, as the end of its name has it')
      .addOption(dataOption())

  brings(at('add'))
    .addOption(waitOption())
    .option('--dry-run', 'say what would happen, and do nothing')
    .description('propose a file for a field, and wait until all have agreed to it')
    .action(async (uid: string, path: string, file: string, options: Options) => {
      const { data, dryRun, json, wait } = options
      const query = new URLSearchParams({ at: pathIn(path), name: options.name ?? basename(file) })
      const headers = {
        'content-type': typeOf(file, options),
        ...preferOf(wait),
      }
      const url = `/api/Contract/${encodeURIComponent(uid)}/Attachments?${query}${dryRun ? '&dry-run' : ''}`
      const answer = await (await apiClientFor(data)).call('PUT', url, await bytesIn(file), headers)
      printWritten(uid, answer, { dryRun, json })
    })

  brings(of('bring'))
    .description('have a file kept for an hour, and print what names it in a change set or a value: {"$file": …}')
    .action(async (uid: string, file: string, options: Options) => {
      const query = new URLSearchParams({ name: options.name ?? basename(file) })
      const url = `/api/Contract/${encodeURIComponent(uid)}/Attachments?${query}`
      const headers = { 'content-type': typeOf(file, options) }
      const answer = await (await apiClientFor(options.data)).call('POST', url, await bytesIn(file), headers)
      printResult(options.json, answer, [JSON.stringify({ $file: (answer as { $file: string }).$file })])
    })

  at('get')
    .argument('<file>', 'where it is written')
    .addOption(proposalOption('of that proposal, not the agreed one'))
    .addOption(requestOption('--change-set <request>', 'as it would be with that change set'))
    .addOption(dataOption())
    .description('the bytes of an attachment')
    .action(async (uid: string, path: string, file: string, { changeSet, data, json, proposal }: Options) => {
      const query = new URLSearchParams({
        at: pathIn(path),
        ...(changeSet !== undefined && { changeSet }),
        ...(proposal !== undefined && { proposal }),
      })
      const url = `/api/Contract/${encodeURIComponent(uid)}/Attachments?${query}`
      const bytes = await (await apiClientFor(data)).bytes(url)
      await writeFile(file, bytes).catch((cause: unknown) => {
        throw fileUnavailable(cause, file) ?? cause
      })
      printResult(json, { file, bytes: bytes.length }, [`${bytes.length} bytes are in ${file}.`])
    })

  of('list')
    .argument('[path]', 'names with slashes between; left out: the whole document', '')
    .addOption(dataOption())
    .description('the files at and below an element')
    .action(async (uid: string, path: string, { data, json }: Options) => {
      const client = await apiClientFor(data)
      const files = await client.call('GET', `${placeOf(uid, path)}/~attachments`)
      const rows = (files as readonly (Attachment & { at: string })[]).map((file) => {
        return [decodeURIComponent(file.at), file.name, file.type, String(file.bytes), file.hash]
      })
      printResult(json, files, table(['at', 'name', 'type', 'bytes', 'hash'], rows))
    })

  at('evidence')
    .addOption(dataOption())
    .description('what proves the agreed attachment to others, as JSON: `audit prove` holds the file against it')
    .action(async (uid: string, path: string, { data, json }: Options) => {
      const evidence = await evidenceAt(placeOf(uid, path), await apiClientFor(data))
      requireAttachment(evidence, path)
      printResult(json, evidence, jsonLines(evidence))
    })
}

/**
 * Evidence of the attachments at a place, without other values that its reader should not see. A value that is not
 * held here may be an attachment: it stays, since others can open it. Reads page after page, and begins again if the
 * ledger has grown meanwhile: everything is proven to one head.
 */
async function evidenceAt(place: string, client: ApiClient): Promise<ElementEvidence> {
  const page = async (query: string) =>
    (await client.call('GET', `${place}/~evidence?limit=${PAGE}${query}`)) as ElementEvidence
  for (;;) {
    let { before, values, ...proven } = await page('')
    while (before !== undefined) {
      const older = await page(`&before=${before}`)
      if (older.head.size !== proven.head.size) break
      values = [...values, ...older.values]
      before = older.before
    }
    if (before !== undefined) continue
    return { ...proven, values: values.filter(({ opened }) => opened === undefined || isAttachment(opened.value)) }
  }
}

/** Throws NothingProven: no evidence is no proof. */
function requireAttachment({ values }: ElementEvidence, path: string): void {
  if (values.length > 0) return
  throw new NothingProven('no_agreed_value', `no attachment at ${path} is agreed, as far as this node can prove it`, {
    path,
  })
}

function typeOf(file: string, { type }: Options): string {
  const known = type ?? TYPES[extname(file).toLowerCase()]
  if (known !== undefined) return known
  throw new TypeUnknown('request_malformed', `say with --type of what type ${file} is: its name does not`, {
    path: file,
  })
}
