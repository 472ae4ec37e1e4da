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
  [['party'], async () => (await import('./party-commands.ts')).partyCommands],
  [['key'], async () => (await import('./keys/key-commands.ts')).keyCommands],
  [['api-key'], async () => (await import('./keys/api-key-commands.ts')).apiKeyCommands],
  [['contract'], async () => (await import('./contract-commands.ts')).contractCommands],
  [['field'], async () => (await import('./document/field-commands.ts')).fieldCommands],
  [['table'], async () => (await import('./document/table-commands.ts')).tableCommands],
  [['types'], async () => (await import('./document/types-command.ts')).typesCommand],
  [['value'], async () => (await import('./document/value-commands.ts')).valueCommands],
  [['request'], async () => (await import('./document/request-commands.ts')).requestCommands],
  [['change-set'], async () => (await import('./document/change-set-commands.ts')).changeSetCommands],
  [['attachment'], async () => (await import('./document/attachment-commands.ts')).attachmentCommands],
  [['audience'], async () => (await import('./document/audience-commands.ts')).audienceCommands],
  [['rule'], async () => (await import('./rule-commands.ts')).ruleCommands],
  [['template'], async () => (await import('./template-commands.ts')).templateCommands],
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
  try {
    const program = await commands(args[0])
    await program.parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return report(error)
  }
}

/** Those of the file that has the command; all that there are where no file has it. */
export async function commands(command?: string): Promise<Command> {
  const program = new Command('concordata')
    .description(
      'One shared contract, each company on its own machine, with proof that all hold the same and agreed to it.',
    )
    .version(VERSION, '--version', 'which version of the program this is')
    .exitOverride()
    .showHelpAfterError()
  const own = FILES.filter(([names]) => command !== undefined && names.includes(command))
  for (const add of await Promise.all((own.length > 0 ? own : FILES).map(([, load]) => load()))) add(program)
  return program
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const known = error instanceof ConcordataError ? error : fileUnavailable(error)
  if (known !== undefined) {
    complain(`concordata: ${known.message} [${known.code}]`, ...problemLines(known.evidence, known.message))
  } else {
    complain(`concordata: ${error instanceof Error ? error.message : String(error)} [internal]`)
    if (asksForDetails() && error instanceof Error) complain(...(error.stack ?? '').split('\n'))
  }
  return 1
}

/** Where a fault of the software stands in it is for whoever looks for it. */
function asksForDetails(): boolean {
  try {
    return ['debug', 'trace'].includes(readEnvironment(process.env).logLevel)
  } catch {
    return false
  }
}
