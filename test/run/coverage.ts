import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { Report } from 'c8'

/** Percent of all code under src and bin that the tests must run. */
const THRESHOLDS = { statements: 88, branches: 85, functions: 86, lines: 88 }
type Kind = keyof typeof THRESHOLDS

interface ProcessCoverage {
  readonly result: readonly { readonly url: string }[]
}

const root = pathToFileURL(`${process.cwd()}/`).href
const isOurs = ({ url }: { readonly url: string }) => url.startsWith(`${root}src/`) || url.startsWith(`${root}bin/`)

/** What of the code was run, in every process that a test has started and that came to its end. */
export class Coverage {
  readonly #dir: string
  #processes = 0

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Where the processes of a test file write. */
  folderFor(file: string): string {
    return `${this.#dir}/raw/${file.replaceAll('/', '-')}`
  }

  /** Keeps of such a folder what is about our own code: nine tenths are about libraries. */
  async take(folder: string): Promise<void> {
    await mkdir(`${this.#dir}/ours`, { recursive: true })
    for (const name of await readdir(folder).catch(() => [])) {
      const whole = await readFile(`${folder}/${name}`, 'utf8')
      const { result } = parsed(whole)
      const kept = JSON.stringify({ result: result.filter(isOurs) })
      await writeFile(`${this.#dir}/ours/${this.#processes++}.json`, kept)
    }
    await rm(folder, { recursive: true, force: true })
  }

  /** Says how much was run; a line for each figure that is too low. */
  async belowThresholds(): Promise<string[]> {
    const report = new Report({
      tempDirectory: `${this.#dir}/ours`,
      reportsDirectory: `${this.#dir}/report`,
      reporter: ['json-summary', 'text-summary', 'text'],
      reporterOptions: { text: { file: 'files.txt' } },
      exclude: [],
    })
    await report.run()
    const { total } = JSON.parse(await readFile(`${this.#dir}/report/coverage-summary.json`, 'utf8')) as {
      total: Record<Kind, { pct: number }>
    }
    return (Object.keys(THRESHOLDS) as Kind[]).flatMap((kind) => {
      const { pct } = total[kind]
      return pct >= THRESHOLDS[kind] ? [] : [`coverage: ${pct} % of ${kind}, but ${THRESHOLDS[kind]} % are asked for`]
    })
  }
}

/** A process that is killed while it writes leaves half a file. */
function parsed(whole: string): ProcessCoverage {
  try {
    return JSON.parse(whole) as ProcessCoverage
  } catch {
    return { result: [] }
  }
}
