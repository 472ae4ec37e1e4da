import { writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { Compile } from 'typebox/compile'
import { templateDiff } from '../../aggregates/contract/templates/template-diff.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { Signer } from '../../crypto/signer.ts'
import type { UpgradePreview } from '../../documents/templates/document-templates.ts'
import { otherOrigin } from '../../documents/templates/other-origin.ts'
import {
  PublicationForged,
  publicationBytes,
  type SignedPublication,
  SignedPublicationSchema,
  verifyPublication,
} from '../../events/publication.ts'
import { readConfiguration, readEnvironment } from '../../node/config/configuration.ts'
import { openKeys, readCard } from '../../node/identity/identity.ts'
import { apiClientFor } from '../api-client.ts'
import { pathIn } from '../document/place.ts'
import { type Voted, voteLine } from '../document/vote-lines.ts'
import { printWritten } from '../document/write-lines.ts'
import { textIn } from '../file-unavailable.ts'
import { jsonIn } from '../json-argument.ts'
import { contractArgument, dataOption, jsonOption, type NodeOptions } from '../options.ts'
import { jsonLines, printResult } from '../output.ts'
import { templateIn } from './template-file.ts'
import { diffLines, originLines, previewLines, templateLines } from './template-lines.ts'

interface Options extends NodeOptions {
  readonly role: Readonly<Record<string, string>>
  readonly name?: string
}

const publicationForm = Compile(SignedPublicationSchema)

/** `concordata template …`: by the API of the node that runs on the data directory; `show`, `diff`, `sign` and `verify` need no node. */
export function templateCommands(program: Command): void {
  const template = program
    .command('template')
    .description('take parts of contracts as templates, import them, and go from one version to another')

  template
    .command('export')
    .addArgument(contractArgument())
    .argument(
      '<path>',
      'of the element that is taken, with all below it: names with slashes between; empty: the whole document',
    )
    .addOption(jsonOption())
    .addOption(dataOption())
    .option('--name <name>', 'what it is called in the template')
    .option('--role <party=role>', 'what a party is called in the template; left out, as it is', pair, {})
    .option('--leave-out', 'leave out rules that name what is outside of it')
    .option('--out <file>', 'write it there')
    .description('print an element as a template: structure, types, rules and roles, without values')
    .action(
      async (
        contract: string,
        path: string,
        { data, json, ...options }: Options & { leaveOut?: true; out?: string },
      ) => {
        const { leaveOut, name, out, role } = options
        const roles = Object.entries(role).map((one) => one.join(':'))
        const query = new URLSearchParams({ at: pathIn(path) })
        if (name !== undefined) query.set('name', name)
        if (roles.length > 0) query.set('roles', roles.join(','))
        if (leaveOut) query.set('outside', 'leave-out')
        const client = await apiClientFor(data)
        const exported = await client.call('GET', `/api/Contract/${contract}/Template?${query}`)
        await printOrWrite(exported, [canonicalJson(exported)], out, json)
      },
    )

  template
    .command('show')
    .argument('<file>', 'of the template')
    .addOption(jsonOption())
    .description('what a template has: its hash, where it is from, its roles, elements and rules')
    .action(async (file: string, { json }: { json?: true }) => {
      const read = await templateIn(file)
      printResult(json, { hash: read.hash, ...read.parsed.template }, templateLines(read))
    })

  template
    .command('sign')
    .argument('<file>', 'of the template')
    .addOption(jsonOption())
    .addOption(dataOption())
    .option('--out <file>', 'write the signature there')
    .description('sign a template as its publisher, with the newest signing key')
    .action(async (file: string, { data, json, out }: NodeOptions & { out?: string }) => {
      const signed = await publish((await templateIn(file)).hash, data)
      await printOrWrite(signed, jsonLines(signed), out, json)
    })

  template
    .command('verify')
    .argument('<file>', 'of the template')
    .argument('<signature>', 'what `template sign` printed')
    .option('--key <key>', 'the signing key that the publisher is known by')
    .addOption(jsonOption())
    .description('check who has published a template')
    .action(async (file: string, signature: string, { json, key }: { json?: true; key?: string }) => {
      const { hash } = await templateIn(file)
      const signed = jsonIn(await textIn(signature), signature)
      if (!publicationForm.Check(signed) || signed.publication.template !== hash) {
        const message = `${signature} is no signature for ${file}`
        throw new PublicationForged('publication_forged', message, { file: signature, template: hash })
      }
      verifyPublication(signed)
      const { did, handle, signing } = signed.publication.publisher
      if (key !== undefined && key !== signing) {
        const message = `${file} is signed with another key than that`
        throw new PublicationForged('publication_forged', message, { key, signing })
      }
      const isKnown = key !== undefined
      printResult(json, { hash, publisher: signed.publication.publisher, isKnown }, [
        ...[`hash   ${hash}`, `by     ${handle}, ${did}`, `key    ${signing}`],
        ...(isKnown ? [] : ['Whether that is the key of this party only the party can say: give it with --key.']),
      ])
    })

  template
    .command('diff')
    .argument('<from>', 'file of a template')
    .argument('<to>', 'file of another version of it')
    .addOption(jsonOption())
    .description('what differs between two versions of a template')
    .action(async (from: string, to: string, { json }: { json?: true }) => {
      const [older, newer] = [(await templateIn(from)).parsed.template, (await templateIn(to)).parsed.template]
      const diff = templateDiff(older, newer)
      const other = otherOrigin(older, newer)
      const shown = other === undefined ? diff : { ...diff, otherOrigin: other }
      printResult(json, shown, [...originLines(other), ...diffLines(diff)])
    })

  template
    .command('import')
    .addArgument(contractArgument())
    .argument('<path>', 'of the block that it is added to: names with slashes between; empty: the document itself')
    .argument('<file>', 'of the template')
    .addOption(jsonOption())
    .addOption(dataOption())
    .option('--name <name>', 'what it is called there; left out, as in the template')
    .option('--role <role=party>', 'which member has a role; left out, the one of that name', pair, {})
    .option('--dry-run', 'say what would happen; nothing is signed')
    .description('add all that a template has, in one request')
    .action(async (contract: string, path: string, file: string, options: Options & { dryRun?: true }) => {
      const { data, dryRun, json, name, role } = options
      const body = {
        at: pathIn(path),
        roles: role,
        template: (await templateIn(file)).text,
        ...(name !== undefined && { name }),
      }
      const client = await apiClientFor(data)
      const query = dryRun ? '?dry-run' : ''
      const added = await client.call('POST', `/api/Contract/${contract}/Templates/Imports${query}`, body)
      printWritten(contract, added, { dryRun, json })
    })

  template
    .command('upgrade')
    .addArgument(contractArgument())
    .argument('<path>', 'of the element that came from a template: names with slashes between')
    .argument('<file>', 'of the other version')
    .addOption(jsonOption())
    .addOption(dataOption())
    .option('--role <role=party>', 'which member has a role; left out, as before', pair, {})
    .option('--preview', 'say what would change with the votes of all; nothing is signed')
    .description('vote that an element goes on as another version of its template has it')
    .action(async (contract: string, path: string, file: string, options: Options & { preview?: true }) => {
      const { data, json, preview, role } = options
      const body = { at: pathIn(path), roles: role, template: (await templateIn(file)).text }
      const client = await apiClientFor(data)
      const at = `/api/Contract/${contract}/Templates`
      const answer = await client.call('POST', preview ? `${at}/Previews` : `${at}/Upgrades`, body)
      if (preview) return printResult(json, answer, previewLines(answer as UpgradePreview))
      printResult(json, answer, ['Voted yes.', voteLine(contract, answer as Voted)])
    })
}

/** To the file, where one is named: then what is printed with `--json` names it. */
async function printOrWrite(
  value: unknown,
  lines: readonly string[],
  out: string | undefined,
  json: true | undefined,
): Promise<void> {
  if (out === undefined) return printResult(json, value, lines)
  await writeFile(out, canonicalJson(value))
  printResult(json, { file: out }, [])
}

async function publish(template: Hash, data: string): Promise<SignedPublication> {
  const environment = readEnvironment(process.env)
  const configuration = await readConfiguration(data, environment)
  const { did, handle } = await readCard(configuration)
  const { close, keys } = await openKeys(configuration, environment)
  try {
    const signer = keys.signerOf(keys.newest) as Signer
    const publication = { template, publisher: { did, handle, signing: keys.newest } }
    return { publication, signature: await signer.sign(publicationBytes(publication)) }
  } finally {
    await close()
  }
}

function pair(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [name, value, ...more] = text.split('=')
  if (!name || !value || more.length > 0) throw new InvalidArgumentError('it has to be <name>=<name>.')
  return { ...before, [name]: value }
}
