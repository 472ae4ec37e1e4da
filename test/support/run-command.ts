import { main } from '../../src/cli/main.ts'

/** Runs a command of the CLI in this process: its exit status, and all that it printed. */
export async function runCommand(...args: string[]): Promise<{ readonly status: number; readonly output: string }> {
  const output: string[] = []
  const { stdout, stderr } = process
  const [write, complain] = [stdout.write, stderr.write]
  stdout.write = stderr.write = (text: string | Uint8Array) => output.push(String(text)) > 0
  try {
    return { status: await main(args), output: output.join('') }
  } finally {
    stdout.write = write
    stderr.write = complain
    process.exitCode = 0
  }
}
