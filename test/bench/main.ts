import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandLine, flag, text } from '../support/command-line.ts'
import { measureApi } from './api.ts'
import { type Comparison, compare } from './compare.ts'
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
 * how fast a read model is made anew; and the rule language beside lezer-feel and feelin; a proposal on a wide contract with rules; webhooks beside posting with undici; `/live` with a thousand subscribers beside one; reading by the inward API beside what could answer the same with the least. Each is measured in a process of its own. `--quick` takes four minutes, and says less exactly. `--profile` leaves CPU profiles in DIR.
 */
const WHAT = ['all', 'api', 'changes', 'live', 'parties', 'rebuild', 'rules', 'webhooks']
const values = commandLine('npm run bench -- [options]: figures of this machine, each beside a floor', {
  quick: flag('four minutes, and less exact'),
  only: text('what is measured', 'all', WHAT),
  profile: text('a directory for CPU profiles'),
})
const WHOLE: Plan = { rounds: 6, warmUpSeconds: 4, floorSeconds: 1.5, ourSeconds: 4, samples: 50 }
const WHOLE_BESIDE: Plan = { rounds: 3, warmUpSeconds: 3, floorSeconds: 1, ourSeconds: 3, samples: 30 }
const QUICK: Plan = { rounds: 2, warmUpSeconds: 2, floorSeconds: 0.5, ourSeconds: 1.5, samples: 20 }
const QUICK_BESIDE: Plan = { rounds: 1, warmUpSeconds: 1, floorSeconds: 0.4, ourSeconds: 1, samples: 10 }
const [plan, beside] = values.quick ? [QUICK, QUICK_BESIDE] : [WHOLE, WHOLE_BESIDE]

const dir = await mkdtemp(join(tmpdir(), 'concordata-bench-'))
const within = async (name: string) => {
  const path = join(dir, name)
  await mkdir(path)
  return path
}
const between = (size: number, how: Plan) => compare(join(dir, `of-${size}`), size, how, values.profile || undefined)

async function changes(): Promise<Comparison> {
  const three = await between(3, plan)
  reportChanges(three)
  reportWaits(await countWaits())
  return three
}

const parts = {
  async parties() {
    const three = await changes()
    reportSizes([await between(2, beside), three, await between(5, beside), await between(10, beside)])
  },
  async rules() {
    reportRules(values.quick ? measureRules(5, 100) : measureRules(9, 300))
    reportWide(values.quick ? measureWide(3, 100) : measureWide(9, 300))
  },
  async webhooks() {
    reportWebhooks(await measureWebhooks(await within('webhooks'), values.quick ? 300 : 1_000, values.quick ? 6 : 8))
  },
  async api() {
    const [small, large] = values.quick ? [100, 2_000] : [100, 100_000]
    const extent = values.quick ? { requests: 2_000, turns: 2 } : { requests: 10_000, turns: 5 }
    reportApi(await measureApi(await within('api'), { sizes: [small, large], ...extent }))
  },
  async live() {
    const seconds = values.quick ? 20 : 120
    reportLive(await measureLive(await within('live'), { contracts: 50, ofEach: 20, seconds }))
  },
  async rebuild() {
    reportRebuild(await measureRebuild(await within('rebuild'), values.quick ? 'quick' : 'whole'))
  },
}

try {
  if (values.only === 'all') for (const part of Object.keys(parts)) alone(part)
  else if (values.only === 'changes') await changes()
  else await parts[values.only as keyof typeof parts]()
} finally {
  await rm(dir, { recursive: true, force: true })
}

/** In a process of its own: what others have compiled, and the memory that they have left, is no part of it. */
function alone(part: string): void {
  const { status } = spawnSync(process.execPath, [...process.argv.slice(1), '--only', part], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
