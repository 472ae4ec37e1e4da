import type { Command } from 'commander'
import { readConfiguration, readEnvironment } from '../node/config/configuration.ts'
import { makeBackup, restoreBackup } from '../node/maintenance/backup.ts'
import { systemClock } from '../runtime/clock.ts'
import { dataOption, jsonOption, type NodeOptions } from './options.ts'
import { printResult } from './output.ts'

/** `concordata backup|restore`: a copy of a data directory while its node runs, and the way back. */
export function backupCommands(program: Command): void {
  program
    .command('backup')
    .description('copy a data directory, whether its node runs or not; never the guard')
    .addOption(jsonOption())
    .addOption(dataOption())
    .requiredOption('--out <dir>', 'a new directory')
    .option('--with-passphrase', 'also the passphrase file: whoever has the backup can then use the keys')
    .action(async ({ data, json, out, withPassphrase }: NodeOptions & { out: string; withPassphrase?: true }) => {
      const configuration = await readConfiguration(data, readEnvironment(process.env))
      const names = await makeBackup(configuration, out, { withPassphrase: withPassphrase === true }, systemClock)
      const hasPassphrase = names.includes('passphrase')
      printResult(json, { out, files: names }, [
        `${out} holds ${names.join(', ')}`,
        ...(hasPassphrase ? [] : ['The passphrase of the keys is not in it: keep that elsewhere.']),
      ])
    })

  program
    .command('restore')
    .description('put a backup into a data directory on which no node runs; what is there stays')
    .requiredOption('--from <dir>', 'what `concordata backup` made')
    .addOption(jsonOption())
    .addOption(dataOption())
    .action(async ({ data, from, json }: NodeOptions & { from: string }) => {
      const names = await restoreBackup(from, data)
      printResult(json, { data, files: names }, [
        `put into ${data}: ${names.join(', ')}`,
        'The node signs nothing until it has back from the other parties what it has signed since the backup.',
        'Whether it waits for them, or lacks a key, `concordata doctor` says.',
      ])
    })
}
