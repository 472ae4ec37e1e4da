import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandLine, flag, text } from '../support/command-line.ts'
import { measureApi } from './api.ts'
import { type Comparison, compare } from './compare.ts'
import { QUICK, WHOLE } from './extent.ts'
import { measureLive } from './live.ts'
import { measureRebuild } from './rebuild.ts'
import {
  reportApi,
  reportChanges,
  reportLive,
  reportRebuild,
  reportRules,
  reportSizes,
  reportWaits,
  reportWebhooks,
  reportWide,
} from './report.ts'
import { measureRules } from './rule-language.ts'
import type { Plan } from './side.ts'
import { countWaits } from './waits.ts'
import { measureWebhooks } from './webhooks.ts'
import { measureWide } from './wide-contract.ts'

/**
 * `npm run bench -- [--quick] [--only api|changes|live|parties|rebuild|rules|webhooks] [--profile DIR]`: parties as processes on one machine, TLS and fsync
 * on, one writer that proposes values of 200 bytes to 100 fields round robin, counted at the writer when they have settled; beside
 * it, in turns, the floor: the least program that could do it. Three parties first, then two, five and ten; the waits for a disk; and
 * how fast a read model is made anew; and the rule language beside lezer-feel and feelin; a proposal on a wide contract with rules; webhooks beside posting with undici; `/live` with a thousand subscribers beside one; reading by the inward API beside what could answer the same with the least. Each is measured in a process of its own. Each says in the end how long it took. `--quick` takes two minutes on a calm machine of two cores, and says less exactly. `--profile` leaves CPU profiles in DIR.
 */
const WHAT = ['all', 'api', 'changes', 'live', 'parties', 'rebuild', 'rules', 'webhooks']
const values = commandLine('npm run bench -- [options]: figures of this machine, each beside a floor', {
  quick: flag('two minutes, and less exact'),
  only: text('what is measured', 'all', WHAT),
  profile: text('a directory for CPU profiles'),
})
const extent = values.quick ? QUICK : WHOLE

const dir = await mkdtemp(join(tmpdir(), 'concordata-bench-'))
const within = async (name: string) => {
  const path = join(dir, name)
  await mkdir(path)
  return path
}
const between = (size: number, how: Plan) => compare(join(dir, `of-${size}`), size, how, values.profile || undefined)

async function changes(): Promise<Comparison> {
  const three = await between(3, extent.three)
  reportChanges(three)
  reportWaits(await countWaits())
  return three
}

const parts = {
  async parties() {
    // Forty processes start, and none is measured before it is warm: what one has compiled the next need not.
    if (values.quick) process.env.NODE_COMPILE_CACHE ??= join(dir, 'compiled')
    const three = await changes()
    const other = (size: number) => between(size, extent.others)
    reportSizes([await other(2), three, await other(5), await other(10)])
  },
  async rules() {
    reportRules(measureRules(extent.rules))
    reportWide(measureWide(extent.wide))
  },
  async webhooks() {
    reportWebhooks(await measureWebhooks(await within('webhooks'), extent.webhooks))
  },
  async api() {
    reportApi(await measureApi(await within('api'), extent.api))
  },
  async live() {
    reportLive(await measureLive(await within('live'), extent.live))
  },
  async rebuild() {
    reportRebuild(await measureRebuild(await within('rebuild'), extent.rebuild))
  },
}

try {
  if (values.only === 'all') for (const part of Object.keys(parts)) alone(part)
  else if (values.only === 'changes') await changes()
  else await parts[values.only as keyof typeof parts]()
} finally {
  await rm(dir, { recursive: true, force: true })
}
console.log(`\n${values.only === 'all' ? 'all of it' : values.only}: ${Math.round(performance.now() / 1000)} s`)

/** In a process of its own: what others have compiled, and the memory that they have left, is no part of it. */
function alone(part: string): void {
  const { status } = spawnSync(process.execPath, [...process.argv.slice(1), '--only', part], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
