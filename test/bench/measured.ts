import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/**
 * In a process of its own: warms up, and does what is to be measured when its parent says so. To start a process costs a large one more than a thousand
 * requests: its pages are shared with the new one, and copied when they are written to.
 */
export async function measured(warmUp: () => Promise<unknown>, work: () => Promise<unknown>): Promise<void> {
  await warmUp()
  process.send?.('ready')
  await once(process, 'message')
  await work()
  process.send?.('done')
  process.disconnect()
}

/** Microseconds of processor time of this process while another does what it is measured by. `script`: of this folder. */
export async function cpuDuring(script: string, args: readonly string[]): Promise<number> {
  const child = fork(join(import.meta.dirname, script), args)
  await said(child, 'ready')
  const before = process.cpuUsage()
  child.send('go')
  await said(child, 'done')
  const { user, system } = process.cpuUsage(before)
  if (child.exitCode === null) await once(child, 'exit')
  return user + system
}

async function said(child: ChildProcess, what: string): Promise<void> {
  const ended = once(child, 'exit').then(() => [undefined])
  const [message] = await Promise.race([once(child, 'message'), ended])
  if (message !== what) throw new Error(`the client ended before it was ${what}`)
}
