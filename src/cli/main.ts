import { Command, CommanderError } from 'commander'
import { ConcordataError } from '../runtime/errors.ts'
import { apiKeyCommands } from './api-key-commands.ts'
import { auditCommands } from './audit-commands.ts'
import { backupCommands } from './backup-commands.ts'
import { certificateCommands } from './certificate-commands.ts'
import { contractCommands } from './contract-commands.ts'
import { demoCommand } from './demo-command.ts'
import { initCommand } from './init-command.ts'
import { keyCommands } from './key-commands.ts'
import { operationCommands } from './operation-commands.ts'
import { complain } from './output.ts'
import { partyCommands } from './party-commands.ts'
import { processCommands } from './process-commands.ts'
import { rebuildCommand } from './rebuild-command.ts'
import { storeCommands } from './store-commands.ts'

/** Runs one command. The answer is the exit status: 0 done, 1 it failed, 2 it was asked for in a wrong way. */
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
  if (!(error instanceof ConcordataError)) {
    complain(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return 1
  }
  complain(`concordata: ${error.message} [${error.code}]`)
  return 1
}
