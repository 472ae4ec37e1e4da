import { existsSync } from 'node:fs'
import { glob } from 'node:fs/promises'

const isTestFile = (path: string): boolean => path.endsWith('.test.ts')

/** What takes longest, longest first: it begins first, so that none of it runs on alone at the end. */
const LONGEST = [
  'test/crash/crash.test.ts',
  'test/store/eventstoredb/eventstoredb-store.test.ts',
  'test/docs/getting-a-company-node.test.ts',
  'test/cli/key-revocation.test.ts',
  'test/docs/getting-a-node.test.ts',
  'test/cli/demo-command.test.ts',
  'test/node/roles.test.ts',
  'test/node/observability/obstacles-of-three.test.ts',
  'test/api/routes/submit.test.ts',
  'test/node/roles-eventstoredb.test.ts',
  'test/simulation/split.test.ts',
  'test/simulation/passive.test.ts',
  'test/simulation/simulation.test.ts',
  'test/simulation/rules.test.ts',
  'test/node/identity/uid-secrecy.test.ts',
  'test/audit/browser.test.ts',
  'test/node/tracing/roles.test.ts',
  'test/api/routes/operation.test.ts',
  'test/store/eventstoredb/load.test.ts',
  'test/node/processes-eventstoredb.test.ts',
  'test/contracts/replica/waits-in-sequence.test.ts',
  'test/contracts/replica/reorder-buffer.test.ts',
  'test/cli/mistakes.test.ts',
  'test/cli/rebuild-command.test.ts',
  'test/run/main.test.ts',
  'test/store/sqlite/sqlite-store.test.ts',
  'test/cli/ended.test.ts',
  'test/cli/process-commands.test.ts',
  'test/cli/key-commands.test.ts',
  'test/flood/flood.test.ts',
  'test/node/tracing/tracing.test.ts',
  'test/simulation/lost-values.test.ts',
  'test/simulation/upgrades.test.ts',
  'test/fuzz/sockets.test.ts',
]

/** They run thousands of times what other tests have run once: what of the code that is, they would say at a third of their time. */
const REPEATING = ['test/crash/', 'test/explorer/', 'test/flood/', 'test/simulation/']

/** What of the code it runs is measured at no small cost, and where that is most others have run it already. */
export const isMeasured = (file: string): boolean =>
  !LONGEST.includes(file) && !REPEATING.some((folder) => file.startsWith(folder))

/** All test files below these folders, or below `test`. */
export async function testFiles(folders: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const folder of folders.length === 0 ? ['test'] : folders) {
    if (isTestFile(folder)) found.push(folder)
    else for await (const file of glob(`${folder}/**/*.test.ts`)) found.push(file)
  }
  const gone = LONGEST.filter((file) => !existsSync(file))
  if (gone.length > 0) throw new Error(`test/run/files.ts names what is not there: ${gone.join(', ')}`)
  const rank = (file: string) => LONGEST.indexOf(file) + 1 || LONGEST.length + 1
  return found.sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))
}
