import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { FileRun } from './run-file.ts'

/** Of what is said of one failure. */
const LINES_MAX = 60

/** What all files have reported, in one file in the Test Anything Protocol; what passed is counted, what failed is kept. */
export class TapReport {
  readonly #file: FileHandle
  readonly #failures: string[] = []
  passed = 0
  failed = 0

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async open(path: string): Promise<TapReport> {
    await mkdir(dirname(path), { recursive: true })
    return new TapReport(await open(path, 'w'))
  }

  async add({ file, output, errors, isOk, reason, seconds }: FileRun): Promise<void> {
    const results = output.split('\n').filter(isResult)
    const notOk = results.filter(isFailure).length
    this.passed += results.length - notOk
    this.failed += notOk
    const found = failuresIn(output, file)
    if (!isOk && found.length === 0) {
      this.failed++
      found.push('', file, reason ?? '', ...lastLines(output))
    }
    if (!isOk && errors !== '') found.push(`  on its standard error:`, ...lastLines(errors))
    this.#failures.push(...found)
    const indented = output.replace(/^(?=.)/gm, '    ')
    const result = `${isOk ? 'ok' : 'not ok'} - ${file} # time=${Math.round(seconds * 1_000)}ms`
    await this.#file.write(`# Subtest: ${file}\n${indented.trimEnd()}\n${result}\n`)
  }

  failures(): readonly string[] {
    return this.#failures
  }
}

function lastLines(text: string): string[] {
  return text.trimEnd().split('\n').slice(-LINES_MAX)
}

/** What is skipped or to be done counts as neither. */
function isResult(line: string): boolean {
  return /^ *(not )?ok \d+/.test(line) && !/# (SKIP|TODO)/i.test(line)
}

function isFailure(line: string): boolean {
  return isResult(line) && /^ *not ok/.test(line)
}

/** Each assertion that failed, with its diagnosis, under the names of its tests. */
function failuresIn(output: string, file: string): string[] {
  const lines = output.split('\n')
  const names: string[] = []
  const found: string[] = []
  let failedDepth = 0
  for (const [at, line] of lines.entries()) {
    const depth = Math.floor(line.search(/\S/) / 4)
    const name = /^ *# Subtest: (.*)/.exec(line)?.[1]
    if (name !== undefined) names.splice(depth, names.length, name)
    if (!isFailure(line)) continue
    // What a failed assertion stands in has failed as well, and says no more.
    if (failedDepth <= depth) {
      const further = lines.slice(at + 1, at + LINES_MAX)
      const end = further.findIndex((other) => /^ *\.\.\.$/.test(other))
      const diagnosis = further[0]?.trim() === '---' ? further.slice(1, end < 0 ? undefined : end) : []
      found.push('', [file, ...names.slice(0, depth)].join(' › '), line.trim(), ...diagnosis)
    }
    failedDepth = depth
  }
  return found
}
