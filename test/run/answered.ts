import { readdir, readFile } from 'node:fs/promises'
import { problemsMet } from '../docs/errors-document.ts'

/** Problems that docs/errors.md promises and that no test can meet over HTTP in the process that looks: why. Whatever is met stands here no more. */
const unmet: Readonly<Record<string, string>> = {
  '422 history_too_long': 'it takes a ledger of 250,000 entries',
  '503 contents_full': 'it takes contents of 4 GiB in one contract',
}

/** A line for each problem that a client can meet and no test of a whole run has met, and for each that is met and excused. */
export async function unansweredIn(dir: string): Promise<string[]> {
  const met = new Set<string>()
  for (const name of await readdir(dir).catch(() => []))
    for (const one of JSON.parse(await readFile(`${dir}/${name}`, 'utf8')) as string[]) met.add(one)
  return unanswered(met, unmet)
}

export function unanswered(met: ReadonlySet<string>, excused: Readonly<Record<string, string>>): string[] {
  const promised = problemsMet()
  const missed = promised.filter((one) => !met.has(one) && !(one in excused))
  const needless = Object.keys(excused).filter((one) => met.has(one) || !promised.includes(one))
  return [
    ...missed.map((one) => `answers: no test meets ${one} over HTTP, and docs/errors.md says that a client can`),
    ...needless.map((one) => `answers: ${one} is excused in test/run/answered.ts, and need not be`),
  ]
}
