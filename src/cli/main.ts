import '../crypto/native.ts'
import { Command, CommanderError } from 'commander'
import { readEnvironment } from '../node/config/configuration.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { VERSION } from '../runtime/version.ts'
import { fileUnavailable } from './file-unavailable.ts'
import { complain } from './output.ts'
import { problemLines } from './problem-lines.ts'

type Adds = (program: Command) => void

/**
 * The commands of each file, in the order in which help lists them. A file is loaded for its own commands only: most need neither a
 * node nor its store, and start in half the time.
 */
const FILES: readonly (readonly [commands: readonly string[], load: () => Promise<Adds>])[] = [
  [['init'], async () => (await import('./init-command.ts')).initCommand],
  [
    ['node', 'serve', 'transmit', 'receive', 'signer'],
    async () => (await import('./process-commands.ts')).processCommands,
  ],
  [['party'], async () => (await import('./party/party-commands.ts')).partyCommands],
  [['key'], async () => (await import('./keys/key-commands.ts')).keyCommands],
  [['api-key'], async () => (await import('./keys/api-key-commands.ts')).apiKeyCommands],
  [['contract'], async () => (await import('./contract/contract-commands.ts')).contractCommands],
  [['field'], async () => (await import('./document/field-commands.ts')).fieldCommands],
  [['element'], async () => (await import('./document/element-commands.ts')).elementCommands],
  [['table'], async () => (await import('./document/table-commands.ts')).tableCommands],
  [['types'], async () => (await import('./document/types-command.ts')).typesCommand],
  [['value'], async () => (await import('./document/value-commands.ts')).valueCommands],
  [['request'], async () => (await import('./document/request-commands.ts')).requestCommands],
  [['change-set'], async () => (await import('./document/change-set-commands.ts')).changeSetCommands],
  [['attachment'], async () => (await import('./document/attachment-commands.ts')).attachmentCommands],
  [['audience'], async () => (await import('./document/audience-commands.ts')).audienceCommands],
  [['erasure'], async () => (await import('./document/erasure-commands.ts')).erasureCommands],
  [['rule'], async () => (await import('./rule-commands.ts')).ruleCommands],
  [['template'], async () => (await import('./template/template-commands.ts')).templateCommands],
  [['webhook'], async () => (await import('./webhook-commands.ts')).webhookCommands],
  [['audit'], async () => (await import('./audit/audit-commands.ts')).auditCommands],
  [['certificate'], async () => (await import('./keys/certificate-commands.ts')).certificateCommands],
  [['backup', 'restore'], async () => (await import('./backup-commands.ts')).backupCommands],
  [['store'], async () => (await import('./store-commands.ts')).storeCommands],
  [['rebuild'], async () => (await import('./rebuild-command.ts')).rebuildCommand],
  [['config', 'doctor'], async () => (await import('./operation-commands.ts')).operationCommands],
  [['demo'], async () => (await import('./demo-command.ts')).demoCommand],
]

/** Runs one command. Returns the exit status: 0 done, 1 it failed, 2 the command line is wrong. */
export async function main(args: readonly string[]): Promise<number> {
  const json = asksForJson(args)
  try {
    const program = await commands(args[0], json)
    await program.parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return report(error, json)
  }
}

/** What goes wrong is JSON, too, whether or not the command line can be read at all. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end === -1 ? args : args.slice(0, end)).includes('--json')
}

/** Those of the file that has the command; all that there are where no file has it. `json`: what is wrong with the command line is thrown only. */
export async function commands(command?: string, json = false): Promise<Command> {
  const program = new Command('concordata')
    .description(
      'One shared contract, each company on its own machine, with proof that all hold the same and agreed to it.',
    )
    .version(VERSION, '--version', 'which version of the program this is')
    .exitOverride()
    .showHelpAfterError()
    .configureOutput(json ? { writeErr: () => {} } : {})
  const own = FILES.filter(([names]) => command !== undefined && names.includes(command))
  for (const add of await Promise.all((own.length > 0 ? own : FILES).map(([, load]) => load()))) add(program)
  return program
}

function report(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  if (json) complain(JSON.stringify(problemOf(error)))
  else if (!(error instanceof CommanderError)) complain(...linesOf(error))
  return error instanceof CommanderError ? 2 : 1
}

/** As a problem document has it; a problem of the node as the node says it. */
function problemOf(error: unknown): { readonly [member: string]: unknown } {
  if (error instanceof CommanderError)
    return { code: 'command_line_malformed', message: error.message.replace(/^error: /, '') }
  const known = knownAs(error)
  if (known === undefined) {
    const stack = asksForDetails() && error instanceof Error ? { stack: error.stack } : {}
    return { code: 'internal', message: messageOf(error), ...stack }
  }
  const own = { code: known.code, message: known.message }
  // First, and whatever the evidence has under these names.
  if (known.code !== 'api_problem') return { ...own, ...known.evidence, ...own }
  const { code, sentence, ...rest } = known.evidence
  return { code, message: sentence, ...rest }
}

function linesOf(error: unknown): string[] {
  const known = knownAs(error)
  if (known !== undefined) {
    const { code, message } = problemOf(error) as { readonly code: string; readonly message: string }
    return [`concordata: ${message} [${code}]`, ...problemLines(known.evidence, message)]
  }
  const stack = asksForDetails() && error instanceof Error ? (error.stack ?? '').split('\n') : []
  return [`concordata: ${messageOf(error)} [internal]`, ...stack]
}

function knownAs(error: unknown): ConcordataError | undefined {
  return error instanceof ConcordataError ? error : fileUnavailable(error)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Where a fault of the software stands in it is for whoever looks for it. */
function asksForDetails(): boolean {
  try {
    return ['debug', 'trace'].includes(readEnvironment(process.env).logLevel)
  } catch {
    return false
  }
}
