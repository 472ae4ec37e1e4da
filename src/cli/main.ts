import '../crypto/native.ts'
import { Command, CommanderError } from 'commander'
import { readEnvironment } from '../node/config/configuration.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { auditCommands } from './audit/audit-commands.ts'
import { backupCommands } from './backup-commands.ts'
import { contractCommands } from './contract-commands.ts'
import { demoCommand } from './demo-command.ts'
import { audienceCommands } from './document/audience-commands.ts'
import { changeSetCommands } from './document/change-set-commands.ts'
import { valueCommands } from './document/value-commands.ts'
import { fileUnavailable } from './file-unavailable.ts'
import { initCommand } from './init-command.ts'
import { apiKeyCommands } from './keys/api-key-commands.ts'
import { certificateCommands } from './keys/certificate-commands.ts'
import { keyCommands } from './keys/key-commands.ts'
import { operationCommands } from './operation-commands.ts'
import { complain } from './output.ts'
import { partyCommands } from './party-commands.ts'
import { processCommands } from './process-commands.ts'
import { rebuildCommand } from './rebuild-command.ts'
import { ruleCommands } from './rule-commands.ts'
import { storeCommands } from './store-commands.ts'
import { templateCommands } from './template-commands.ts'

/** Runs one command. Returns the exit status: 0 done, 1 it failed, 2 the command line is wrong. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    await commands().parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return report(error)
  }
}

/** All that there are. */
export function commands(): Command {
  const program = new Command('concordata')
    .description(
      'One shared contract, each company on its own machine, with proof that all hold the same and agreed to it.',
    )
    .exitOverride()
    .showHelpAfterError()
  initCommand(program)
  processCommands(program)
  partyCommands(program)
  keyCommands(program)
  apiKeyCommands(program)
  contractCommands(program)
  valueCommands(program)
  changeSetCommands(program)
  audienceCommands(program)
  ruleCommands(program)
  templateCommands(program)
  auditCommands(program)
  certificateCommands(program)
  backupCommands(program)
  storeCommands(program)
  rebuildCommand(program)
  operationCommands(program)
  demoCommand(program)
  return program
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const known = error instanceof ConcordataError ? error : fileUnavailable(error)
  if (known !== undefined) complain(`concordata: ${known.message} [${known.code}]`)
  else {
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
