import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { runDemo } from './demo/run-demo.ts'

/** `concordata demo`, what `npm start` does: three companies agree on a reinsurance slip, each with its own node. */
export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description('three nodes on this machine negotiate a reinsurance slip, and stay up to be tried')
    .option('--data <dir>', 'keep the data here, a folder a party; started again on it, it carries on')
    .option('--exit', 'end after the table; the exit status is 0 only if all parties hold the same')
    .action(async ({ data, exit }: { data?: string; exit?: true }) => {
      const dir = data === undefined ? await mkdtemp(join(tmpdir(), 'concordata-demo-')) : resolve(data)
      try {
        process.exitCode = (await runDemo(dir, exit === true)) ? 0 : 1
      } finally {
        if (data === undefined) await rm(dir, { recursive: true, force: true })
      }
    })
}
